/** Adding and removing captions, and handing out their texts. */
import type { Caption } from '../catalog/caption.ts';
import type { Video, VideoId } from '../catalog/video.ts';
import type { VideoRepository } from '../catalog/video-repository.ts';
import { AppError, isAppError } from '../errors.ts';
import { canonicalLanguage } from '../media/language.ts';
import type { CaptionStore } from './caption-store.ts';
import { normaliseCaptions, readCaptionBytes } from './caption-text.ts';
import { isInsideSource, listedCaption } from './captions-of-video.ts';
import { changeCaptions } from './change-captions.ts';
import type { VideoEvents } from './events.ts';
import type { Resource } from './resource.ts';
import type { CaptionService } from './services.ts';

/** What the service is made of. */
export type CaptionOptions = {
  readonly videos: VideoRepository;
  readonly texts: CaptionStore;
  readonly events: VideoEvents;
  /** Has every text inside the source of a video stored, under its id. */
  readonly extract: (video: Video) => Promise<void>;
};

/** The service, and what else of the pipeline asks for texts. */
export type Captions = CaptionService & {
  /** The text that `id` names. Throws `not_found`, or what extracting it met. */
  text(video: Video, id: string, signal: AbortSignal): Promise<Resource>;
};

/** Captions of all videos. */
export function captionService({ videos, texts, events, extract }: CaptionOptions): Captions {
  async function changed(
    id: VideoId,
    change: (captions: readonly Caption[]) => readonly Caption[],
    signal: AbortSignal,
  ): Promise<Video> {
    const { video, removed } = await changeCaptions(videos, id, change);
    events.publish({ type: 'updated', videoId: id });
    if (removed.length > 0) await forget(id, removed, signal);
    return video;
  }

  /** Somebody may have added the same text again meanwhile. */
  async function forget(id: VideoId, removed: readonly string[], signal: AbortSignal): Promise<void> {
    const captions = (await videos.get(id))?.captions ?? [];
    for (const text of removed) {
      if (!captions.some((caption) => caption.id === text)) await texts.delete(id, text, signal);
    }
  }

  return {
    async put(id, languageText, edit, body, signal) {
      const language = parseLanguage(languageText);
      const known = await videos.get(id);
      if (known === undefined) throw new AppError('not_found', 'there is no such video');
      if (known.content?.kind === 'package') throw new AppError('invalid_request', PLAYED_AS_IT_IS);
      const text = normaliseCaptions(await readCaptionBytes(body), language);
      const { label, kind, isDefault } = edit;
      const caption: Caption = {
        origin: 'uploaded',
        language,
        ...(label === undefined ? {} : { label }),
        kind,
        isDefault,
        isForced: false,
        id: await texts.put(id, language, text, signal),
      };
      let isNew = true;
      const adding = changed(
        id,
        (captions) => {
          const others = captions.filter((other) => !isUploaded(other, language));
          isNew = others.length === captions.length;
          return [...(isDefault ? others.map(withoutDefault) : others), caption];
        },
        signal,
      );
      // Removed in this very moment: nothing is left of it.
      await adding.catch(async (error: unknown) => {
        if (isAppError(error, 'not_found')) await texts.delete(id, caption.id, signal);
        throw error;
      });
      return { caption: listedCaption(caption), isNew };
    },

    async delete(id, languageText) {
      const language = parseLanguage(languageText);
      const { signal } = new AbortController();
      await changed(
        id,
        (captions) => {
          const others = captions.filter((other) => !isUploaded(other, language));
          if (others.length === captions.length) throw new AppError('not_found', NOT_UPLOADED);
          return others;
        },
        signal,
      );
    },

    async text(video, id, signal) {
      const isAdded = video.captions?.some((caption) => caption.id === id) === true;
      const isInside = isInsideSource(video, id);
      if (!isAdded && !isInside) throw new AppError('not_found', 'there are no such captions');
      try {
        return await texts.resource(video.id, id, signal);
      } catch (error) {
        if (!isInside || !isAppError(error, 'object_not_found')) throw error;
      }
      await soon(extract(video));
      return texts.resource(video.id, id, signal);
    },
  };
}

/** A source of many gigabytes takes minutes to read: it is read on, and whoever asks again finds the text. */
async function soon(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const late = Promise.withResolvers<never>();
  patience.addEventListener('abort', () => late.reject(new AppError('unavailable', STILL_READ)), {
    once: true,
  });
  await Promise.race([work, late.promise]);
}

const STILL_READ = 'the captions are still being read from the source: ask again in a moment';
/** A request is answered within this time, if only with the advice to ask again. */
const PATIENCE_MS = 8000;

const PLAYED_AS_IT_IS = 'a ready-made package is played as it is: captions belong into the package';
const NOT_UPLOADED = 'no captions were uploaded in this language; what belongs to the source stays';

function isUploaded(caption: Caption, language: string): boolean {
  return caption.origin === 'uploaded' && caption.language === language;
}

function withoutDefault(caption: Caption): Caption {
  return { ...caption, isDefault: false };
}

function parseLanguage(text: string): string {
  const language = canonicalLanguage(text);
  if (language !== undefined) return language;
  throw new AppError('invalid_request', 'the language is a tag of BCP 47: en, pt-BR, zh-Hant');
}
