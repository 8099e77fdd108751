import { parseArgs } from 'node:util';
import { AppError } from '../errors.ts';

/** What a command was given: `--name value` for each of `names`, and the rest. Throws `invalid_request` with `usage`. */
export function readArguments(
  args: readonly string[],
  names: readonly string[],
  usage: string,
): { readonly values: Readonly<Record<string, string | undefined>>; readonly rest: readonly string[] } {
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    return { values, rest: positionals };
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('. ');
    throw new AppError('invalid_request', `${reason}; usage: sluice ${usage}`, { cause: error });
  }
}
