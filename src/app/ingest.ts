import type { Config } from '../config.ts';
import { type Ingest, createIngest } from '../pipeline/ingest.ts';
import type { RemoteFiles } from '../remote/remote-files.ts';
import type { Core } from './core.ts';
import type { Deployment } from './deployment.ts';

/** The ways in for videos. Nothing happens before it is asked to. */
export function openIngest(
  config: Config,
  { catalog, leases, broadcast }: Deployment,
  core: Core,
  remote: RemoteFiles,
): Ingest {
  return createIngest({
    ...core,
    uploads: catalog.uploads,
    partials: core.place.partials,
    sources: core.objects,
    remote,
    leases,
    broadcast,
    now: () => new Date(),
    jobsOfArrived: (video) => core.background.jobsOfArrived(video),
    minFreeBytes: config.minFreeBytes,
    ...(config.maxUploadBytes === undefined ? {} : { maxBytes: config.maxUploadBytes }),
  });
}
