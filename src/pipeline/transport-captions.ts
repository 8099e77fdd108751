import { onTransportClock } from '../containers/webvtt/write-webvtt.ts';
import { TRANSPORT_START_TICKS } from '../media/captions.ts';
import { memoryResource } from './memory-resource.ts';
import type { Resource } from './resource.ts';

/** A text of ours for players of transport streams, whose clock shows something else at presentation time 0. */
export async function transportCaptions(text: Resource, signal: AbortSignal): Promise<Resource> {
  const webvtt = await new Response(await text.open(undefined, signal)).text();
  const bytes = new TextEncoder().encode(onTransportClock(webvtt, TRANSPORT_START_TICKS));
  return memoryResource(bytes, text.mediaType, { isImmutable: text.isImmutable });
}
