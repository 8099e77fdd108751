/** The server of this configuration, as seen by other commands. */
import type { Config } from '../config.ts';

const PATIENCE_MS = 3000;
/** To be listened on, but not to be asked at. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Its address, without a slash at the end; undefined where no Sluice answers. */
export async function findRunningServer(config: Config, signal: AbortSignal): Promise<string | undefined> {
  const host = ANY_ADDRESS[config.host] ?? config.host;
  const local = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
  for (const url of [local, ...(config.publicUrl === undefined ? [] : [config.publicUrl])]) {
    if (await isSluice(url, signal)) return url;
  }
  return undefined;
}

async function isSluice(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/api/v1/openapi.json`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const { info } = (await answer.json()) as { readonly info?: { readonly title?: string } };
    return info?.title === 'Sluice';
  } catch {
    return false;
  }
}
