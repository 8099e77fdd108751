/**
 * The child process: the cell in which untrusted bytes are opened. It has no environment, no files, no network:
 * only the socket to the server, over which it reads the source and hands back what it made. One job at a time.
 */
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { AppError, isAppError } from '../../errors.ts';
import type { TrackEncoding } from '../../media/plan.ts';
import type { SourceInfo, SourceVideo } from '../../media/source.ts';
import type { Job, SourceHandle, WantedPicture } from '../protocol.ts';
import { readCaptions } from './captions.ts';
import { colorCodes } from './color.ts';
import { Connection } from './connection.ts';
import { audioInitSegment, encodeAudio } from './encode-audio.ts';
import { encodeVideo } from './encode-video.ts';
import { inspect } from './inspect.ts';
import { checkPictureSize } from './limits.ts';
import { outputColor } from './output-color.ts';
import { bestPicture, pictureAt } from './picture.ts';
import { OpenSource, READ_BYTES } from './source.ts';
import { reencodeStill } from './still.ts';
import { makeSheet } from './storyboard-sheet.ts';
import { videoInitSegment } from './video-encoder.ts';

Log.setLevel(AV_LOG_QUIET);
const connection = new Connection();
connection.onJob((job) => void answer(job));

/** A child works for one source only, so what was opened for one job serves the next. */
let opened: OpenSource | undefined;

async function answer(job: Job): Promise<void> {
  try {
    await run(job);
    connection.tell({ type: 'done' });
  } catch (error) {
    const failure = isAppError(error)
      ? error
      : new AppError('encode_failed', `the engine failed: ${String(error)}`);
    connection.tell({ type: 'failed', code: failure.code, message: failure.message });
  }
}

async function run(job: Job): Promise<void> {
  const emit = connection.segment.bind(connection);
  switch (job.type) {
    case 'ping':
      return;
    case 'inspect': {
      const source = await openChecked(job.source);
      connection.tell({ type: 'info', info: await inspect(source) });
      // Whoever uploaded it will watch it now: the next job finds it open.
      opened = source;
      return;
    }
    case 'init':
      for (const encoding of job.encodings) {
        connection.tell({ type: 'init', trackId: encoding.trackId }, initSegment(encoding, job.info));
      }
      return;
    case 'encode-video': {
      if (job.info.video === undefined) throw new AppError('encode_failed', 'the source has no picture');
      return encodeVideo(
        await sourceFor(job.source),
        job.info.video,
        job.encodings,
        job.first,
        job.end,
        emit,
      );
    }
    case 'encode-audio': {
      const source = await sourceFor(job.source);
      // One decode for each sound of the source.
      for (const encodings of Map.groupBy(job.encodings, (one) => one.sourceAudioIndex).values()) {
        const audio = job.info.audio[encodings[0]!.sourceAudioIndex];
        if (audio === undefined) throw new AppError('encode_failed', 'the source has no such sound');
        await encodeAudio(source, audio, encodings, job.first, job.end, emit);
      }
      return;
    }
    case 'captions': {
      const texts = await readCaptions(await sourceFor(job.source), job.info);
      for (const [streamIndex, text] of texts) {
        connection.tell({ type: 'captions', streamIndex }, new TextEncoder().encode(text));
      }
      return;
    }
    case 'picture': {
      if (job.info.video === undefined) throw new AppError('encode_failed', 'the source has no picture');
      const picture = await pictureOf(await sourceFor(job.source), job.info, job.info.video, job.wanted);
      connection.tell({ type: 'picture' }, picture);
      return;
    }
    case 'still':
      connection.tell({ type: 'picture' }, reencodeStill(await readAll(job.bytes), job.kind, job.maxSide));
  }
}

function pictureOf(
  source: OpenSource,
  info: SourceInfo,
  video: SourceVideo,
  wanted: WantedPicture,
): Promise<Uint8Array> {
  if (wanted.kind === 'best') return bestPicture(source, video, wanted.maxSide);
  if (wanted.kind === 'at') return pictureAt(source, info, video, wanted.seconds, wanted.maxSide);
  return makeSheet(source, info, video, wanted);
}

async function readAll(length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let offset = 0; offset < length; ) {
    const part = await connection.read(offset, Math.min(READ_BYTES, length - offset));
    if (part.length === 0) throw new AppError('source_damaged', 'the picture is cut off');
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** What the container claims is checked first: probing would already believe it. */
async function openChecked(handle: SourceHandle): Promise<OpenSource> {
  const source = await OpenSource.open(connection, handle);
  for (const { codecpar } of source.streams) {
    if (codecpar.width > 0 && codecpar.height > 0) checkPictureSize(codecpar.width, codecpar.height);
  }
  await source.findStreams();
  return source;
}

async function sourceFor(handle: SourceHandle): Promise<OpenSource> {
  if (opened === undefined) {
    opened = await OpenSource.open(connection, handle);
    // Where the container says everything in front, opening was enough: no time is lost on probing.
    if (opened.streams.length === 0 || PROBED.includes(handle.container)) await opened.findStreams();
  }
  return opened;
}

/**
 * Containers of which some things are only known after reading on: which tracks there are, or how long a packet lasts
 * (of AAC in Matroska), by which it is told where decoding begins (docs/decisions/082).
 */
const PROBED: readonly string[] = [
  'matroska',
  'mpegts',
  'mpeg',
  'flv',
  'mp3',
  'aac',
  'ac3',
  'ogg',
  'wav',
  'flac',
  'asf',
  'avi',
  'mxf',
  'dv',
  'rm',
];

function initSegment(encoding: TrackEncoding, info: SourceInfo): Uint8Array {
  if (encoding.kind === 'audio') return audioInitSegment(encoding);
  if (info.video === undefined) throw new AppError('encode_failed', 'the source has no picture');
  return videoInitSegment(encoding, colorCodes(outputColor(info.video)));
}
