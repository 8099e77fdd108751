/** The settings menu: quality, sound, captions, speed, format. Filled from the session's state, and kept in step with it. */
import type { MediaChromeMenu } from 'media-chrome/dist/menu/media-chrome-menu.js';
import type { Format, QualityChoice } from './engines/engine.ts';
import { soundLabels } from './engines/sounds.ts';
import type { SessionState } from './session.ts';

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const FORMAT_NAMES: Readonly<Record<Format, string>> = { hls: 'HLS', dash: 'DASH', hlsTs: 'HLS (MPEG-TS)' };

export type MenuActions = {
  setQuality(choice: QualityChoice): void;
  setFormat(format: Format): void;
  /** The label of those to show; undefined for none. */
  setCaptions(label: string | undefined): void;
  setRate(rate: number): void;
  setSound(id: string): void;
};

type Choice = { readonly value: string; readonly label: string };

/** `Auto · 480p` while the player chooses, otherwise the chosen one. */
export function qualityText({ choice, qualities, playing }: SessionState): string {
  if (choice === 'auto') return playing === undefined ? 'Auto' : `Auto · ${playing.label}`;
  return qualities.find(({ id }) => id === choice)?.label ?? '';
}

/** Wires the menus inside `root` to `actions`; the answer brings them up to date. */
export function setUpMenus(
  root: ShadowRoot,
  actions: MenuActions,
): (state: SessionState, rate: number) => void {
  let qualities: SessionState['qualities'] = [];
  const quality = menu(root, 'quality', (value) => {
    const id = value === 'auto' ? value : qualities.find(({ label }) => label === value)?.id;
    if (id !== undefined) actions.setQuality(id);
  });
  let sounds: SessionState['sounds'] = [];
  const sound = menu(root, 'sound', (value) => {
    const chosen = sounds[soundLabels(sounds).indexOf(value)];
    if (chosen !== undefined) actions.setSound(chosen.id);
  });
  const captions = menu(root, 'captions', (value) => actions.setCaptions(labelOf(value)));
  const speed = menu(root, 'speed', (value) => actions.setRate(Number(value)));
  const format = menu(root, 'format', (value) => actions.setFormat(value as Format));
  const badge = root.querySelector('#badge');

  return (state, rate) => {
    const auto = { value: 'auto', label: state.choice === 'auto' ? qualityText(state) : 'Auto' };
    ({ qualities } = state);
    // By label and not by id: a menu that stays open while the format changes must go on meaning what it says.
    const rungs = qualities.map(({ label }) => ({ value: label, label }));
    const chosen = qualities.find(({ id }) => id === state.choice)?.label ?? 'auto';
    quality.show([auto, ...rungs], chosen, qualityText(state), rungs.length > 0);
    ({ sounds } = state);
    const soundNames = soundLabels(sounds);
    const heard = soundNames[sounds.findIndex(({ id }) => id === state.sound?.id)] ?? '';
    sound.show(
      soundNames.map((label) => ({ value: label, label })),
      heard,
      heard,
      sounds.length > 1,
    );
    const texts = state.captions.map(({ label }) => ({ value: valueOf(label), label }));
    const shown = valueOf(state.shownCaptions);
    captions.show([OFF, ...texts], shown, state.shownCaptions ?? OFF.label, texts.length > 0);
    speed.show(speedChoices(rate), String(rate), speedText(rate), true);
    const formats = state.formats.map((value) => ({ value, label: FORMAT_NAMES[value] }));
    const formatText = state.format === undefined ? '' : FORMAT_NAMES[state.format];
    format.show(formats, state.format ?? '', formatText, formats.length > 1);
    if (badge !== null) badge.textContent = sharpness(state);
  };
}

/** No label is like this. */
const OFF: Choice = { value: 'off', label: 'Off' };

function valueOf(label: string | undefined): string {
  return label === undefined ? OFF.value : `=${label}`;
}

function labelOf(value: string): string | undefined {
  return value === OFF.value ? undefined : value.slice(1);
}

/** A mark on the button, as televisions have it. */
function sharpness({ playing }: SessionState): string {
  const lines = playing?.lines ?? 0;
  if (lines >= 2160) return '4K';
  return lines >= 720 ? 'HD' : '';
}

function speedChoices(rate: number): Choice[] {
  const rates = SPEEDS.includes(rate) ? SPEEDS : [...SPEEDS, rate].sort((a, b) => a - b);
  return rates.map((each) => ({ value: String(each), label: speedText(each) }));
}

function speedText(rate: number): string {
  return rate === 1 ? 'Normal' : `${rate}×`;
}

type Menu = {
  show(choices: readonly Choice[], selected: string, description: string, isUseful: boolean): void;
};

function menu(root: ShadowRoot, name: string, onChoose: (value: string) => void): Menu {
  const settings = root.querySelector<MediaChromeMenu>('#settings');
  const element = root.querySelector<MediaChromeMenu>(`#${name}-menu`);
  const entry = root.querySelector<HTMLElement>(`[data-menu=${name}]`);
  const description = entry?.querySelector<HTMLElement>('.description');
  if (settings === null || element === null || entry === null || !description)
    throw new Error(`the player has no ${name} menu`);
  const isInUse = () => !settings.hidden && !element.hidden;
  let postponed: (() => void) | undefined;
  element.addEventListener('change', (event) => {
    event.stopPropagation();
    const { value } = element;
    settings.hidden = true;
    onChoose(value);
  });
  // Of the settings as a whole, or of a menu in them. Later, so that media-chrome has put the focus in its place.
  settings.addEventListener('toggle', () => queueMicrotask(() => isInUse() || postponed?.()));

  return {
    show(choices, selected, text, isUseful) {
      const apply = () => {
        postponed = undefined;
        entry.hidden = !isUseful;
        fill(element, choices);
        check(element, selected);
      };
      description.textContent = text;
      if (isInUse()) {
        relabel(element, choices);
        check(element, selected);
        postponed = apply;
      } else {
        apply();
      }
    },
  };
}

/**
 * Makes the items those of `choices`. Not while the menu is open: media-chrome closes a menu whose focused item is
 * taken away, and the pointer would be over another item than the one it was moved to.
 */
function fill(element: MediaChromeMenu, choices: readonly Choice[]): void {
  const items = itemsOf(element);
  const isSame =
    items.length === choices.length && items.every((item, i) => item.dataset['value'] === choices[i]?.value);
  if (isSame) {
    relabel(element, choices);
    return;
  }
  for (const item of items) item.remove();
  element.append(...choices.map(createItem));
}

function relabel(element: MediaChromeMenu, choices: readonly Choice[]): void {
  for (const item of itemsOf(element)) {
    const choice = choices.find(({ value }) => value === item.dataset['value']);
    if (choice !== undefined && item.textContent !== choice.label) item.textContent = choice.label;
  }
}

function check(element: MediaChromeMenu, selected: string): void {
  for (const item of element.radioGroupItems) item.checked = item.value === selected;
}

function itemsOf(element: MediaChromeMenu): HTMLElement[] {
  return [...element.querySelectorAll<HTMLElement>(':scope > media-chrome-menu-item')];
}

function createItem({ value, label }: Choice): HTMLElement {
  const item = document.createElement('media-chrome-menu-item');
  item.setAttribute('type', 'radio');
  item.setAttribute('value', value);
  item.dataset['value'] = value;
  item.textContent = label;
  return item;
}
