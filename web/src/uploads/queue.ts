/** Takes files in, sends two at a time, and does with each what the viewer wants. */
import { askForApiKey } from '../api-key.ts';
import { getVideo } from '../api.ts';
import { sentence } from '../text.ts';
import {
  announcement,
  changeUpload,
  findUpload,
  isUnderWay,
  putUpload,
  removeUpload,
  type UploadItem,
  uploads,
} from './items.ts';
import { fingerprintOf, forgetUpload, rememberedUploads } from './remembered.ts';
import { createSpeedMeter, type SpeedMeter } from './speed.ts';
import { answerOtherTabs, underWayElsewhere } from './tabs.ts';
import { askOffset, createTransfer, endUpload, type Transfer, type TransferFailure } from './transfer.ts';

/** The browser has six connections for a server, and watching and news need the others. */
const AT_A_TIME = 2;

/** Often enough to look alive. The bar moves smoothly in between. */
const SHOW_PROGRESS_MS = 250;

const ASK_AGAIN_MS = 1000;

type Running = {
  readonly transfer: Transfer;
  meter: SpeedMeter;
  shownAtMs: number;
};

const running = new Map<string, Running>();

/** Begins to look after uploads: offers what was left behind, and warns before the page is left. */
export function startUploads(): void {
  addEventListener('beforeunload', (event) => {
    if (uploads.peek().some(isUnderWay)) event.preventDefault();
  });
  addEventListener('online', () => {
    for (const { id, state } of uploads.peek()) if (state === 'interrupted') void restart(id);
  });
  answerOtherTabs(() =>
    uploads
      .peek()
      .filter(isUnderWay)
      .map(({ id }) => id),
  );
  void offerWhatWasLeft();
}

/** Takes files in; one that is here already goes on. */
export function addFiles(files: Iterable<File>): void {
  for (const file of files) addFile(file);
  sendNext();
}

/** Stops for a while. What has arrived stays. */
export function pause(id: string): void {
  changeUpload(id, { state: 'paused', bytesPerSecond: undefined, message: undefined });
  void running.get(id)?.transfer.stop();
  sendNext();
}

/** Goes on, or tries again after a failure. */
export function resume(id: string): void {
  changeUpload(id, { state: 'waiting', message: undefined });
  sendNext();
}

/** Ends it and its video. */
export async function cancel(id: string): Promise<void> {
  const left = rememberedUploads().find(({ fingerprint }) => fingerprint === id);
  const transfer = running.get(id)?.transfer;
  running.delete(id);
  removeUpload(id);
  sendNext();
  if (transfer !== undefined) return transfer.cancel();
  forgetUpload(id);
  if (left !== undefined) await endUpload(left.uploadUrl);
}

/** Takes what is over off the list. */
export function clearOver(): void {
  for (const { id, state } of uploads.peek()) {
    if (state === 'done' || state === 'failed') void cancel(id);
  }
}

function addFile(file: File): void {
  const id = fingerprintOf(file);
  const known = findUpload(id);
  if (known !== undefined && isUnderWay(known)) return;
  if (!running.has(id)) running.set(id, newRunning(id, file));
  // What was left behind goes on from its offset: the bar need not fall to zero until that is asked.
  const sentBytes = known?.state === 'left' ? known.sentBytes : 0;
  putUpload({ id, name: file.name, bytes: file.size, sentBytes, state: 'waiting', videoId: known?.videoId });
}

function newRunning(id: string, file: File): Running {
  const transfer = createTransfer(file, {
    onVideo: (videoId) => changeUpload(id, { videoId }),
    onProgress: (sentBytes) => showProgress(id, sentBytes),
    onInterruption: (message) => {
      if (findUpload(id)?.state === 'sending') {
        changeUpload(id, { state: 'interrupted', message, bytesPerSecond: undefined });
      }
    },
    onDone: () => void finish(id),
    onFailure: (failure) => fail(id, failure),
  });
  return { transfer, meter: createSpeedMeter(), shownAtMs: 0 };
}

function sendNext(): void {
  const busy = uploads.peek().filter(({ state }) => state === 'sending' || state === 'interrupted').length;
  const next = uploads.peek().filter(({ state }) => state === 'waiting');
  for (const { id } of next.slice(0, Math.max(0, AT_A_TIME - busy))) {
    const entry = running.get(id);
    if (entry === undefined) continue;
    entry.meter = createSpeedMeter();
    changeUpload(id, { state: 'sending' });
    void entry.transfer.start();
  }
}

/** Tries at once, and not only when the next try is due. */
async function restart(id: string): Promise<void> {
  const entry = running.get(id);
  await entry?.transfer.stop();
  if (findUpload(id)?.state === 'interrupted') await entry?.transfer.start();
}

function showProgress(id: string, sentBytes: number): void {
  const entry = running.get(id);
  const item = findUpload(id);
  if (entry === undefined || item === undefined || !isUnderWay(item)) return;
  const nowMs = performance.now();
  entry.meter.add(nowMs, sentBytes);
  if (nowMs - entry.shownAtMs < SHOW_PROGRESS_MS && sentBytes < item.bytes) return;
  entry.shownAtMs = nowMs;
  const bytesPerSecond = entry.meter.bytesPerSecond();
  changeUpload(id, { state: 'sending', message: undefined, sentBytes, bytesPerSecond });
}

function fail(id: string, { status, message }: TransferFailure): void {
  const item = findUpload(id);
  if (item === undefined || item.state === 'paused') return;
  const canRetry = status === 0 || status >= 500 || status === 401;
  // The server takes nothing more of it, so there is nothing to go on with.
  if (!canRetry) dropTransfer(id);
  changeUpload(id, { state: 'failed', message, canRetry, bytesPerSecond: undefined });
  announcement.value = `${item.name} could not be uploaded. ${message}`;
  sendNext();
  if (status === 401) void askForApiKey().then((isGiven) => isGiven && resume(id));
}

function dropTransfer(id: string): void {
  running.delete(id);
  forgetUpload(id);
}

async function finish(id: string): Promise<void> {
  running.delete(id);
  const item = findUpload(id);
  if (item === undefined) return;
  changeUpload(id, { state: 'done', sentBytes: item.bytes, bytesPerSecond: undefined });
  announcement.value = `${item.name} is uploaded.`;
  sendNext();
  await reportInspection(id);
}

/** All bytes are there; whether they are a video is known a moment later. */
async function reportInspection(id: string): Promise<void> {
  const { signal } = new AbortController();
  for (;;) {
    const videoId = findUpload(id)?.videoId;
    if (videoId === undefined) return;
    const video = await getVideo(videoId, signal).catch(() => undefined);
    if (video === undefined) return;
    if (video.status === 'failed') {
      const message = sentence(video.error?.message ?? 'this is not a video');
      changeUpload(id, { state: 'failed', message, canRetry: false });
      announcement.value = `${video.title} failed. ${message}`;
    }
    if (video.status !== 'uploading' && video.status !== 'inspecting') return;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

async function offerWhatWasLeft(): Promise<void> {
  if (rememberedUploads().length === 0) return;
  const elsewhere = await underWayElsewhere();
  for (const left of rememberedUploads()) {
    const { fingerprint: id, name, bytes, uploadUrl, videoId } = left;
    if (elsewhere.has(id) || findUpload(id) !== undefined) continue;
    // Where the server cannot be asked now it may be later, so it is offered nevertheless.
    const sentBytes = await askOffset(uploadUrl).catch(() => 0);
    if (sentBytes === undefined || sentBytes >= bytes) forgetUpload(id);
    else if (findUpload(id) === undefined) {
      putUpload({ id, name, bytes, state: 'left', sentBytes, videoId } satisfies UploadItem);
    }
  }
}
