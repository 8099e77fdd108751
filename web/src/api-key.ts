/**
 * The key that a server may want from whoever changes something. Asked for when it is first wanted, and kept in
 * this browser.
 */
import { signal } from '@preact/signals';

const KEY = 'sluice.api-key';

/** What is to be done with the answer, while the viewer is being asked. */
export const question = signal<((key: string | undefined) => void) | undefined>(undefined);

let asking: Promise<boolean> | undefined;
/** Where the browser keeps nothing, it is at least known until the page is left. */
let known: string | undefined;

/** Header fields to send with what changes something. */
export function apiKeyHeaders(): Record<string, string> {
  known ??= read();
  return known === undefined ? {} : { Authorization: `Bearer ${known}` };
}

/** Asks the viewer, who may decline: then false. Several who want it at once are one question. */
export function askForApiKey(): Promise<boolean> {
  asking ??= new Promise<boolean>((resolve) => {
    question.value = (key) => {
      question.value = undefined;
      asking = undefined;
      if (key !== undefined) keep(key);
      resolve(key !== undefined);
    };
  });
  return asking;
}

function read(): string | undefined {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(key: string): void {
  known = key;
  try {
    localStorage.setItem(KEY, key);
  } catch {
    // Kept in memory only.
  }
}
