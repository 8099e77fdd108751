const PATHS = {
  alert:
    'M12 8v5M12 16.5v.01M10.3 3.9 2.4 17.5A2 2 0 0 0 4.1 20.5h15.8a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0z',
  back: 'M15 5l-7 7 7 7',
  camera: 'M4 8h3.5l1.5-2.5h6l1.5 2.5H20v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z',
  check: 'M4 12.5l5 5L20 6.5',
  chevron: 'M6 9.5l6 6 6-6',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  download: 'M12 4.5V16M7 11.5l5 5 5-5M4.5 15.5v4h15v-4',
  film: 'M4 4h16v16H4zM8 4v16M16 4v16M4 9h4M4 15h4M16 9h4M16 15h4',
  folder: 'M3 18V6h6l2 2.5h10V18z',
  link: 'M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7L12 17.7',
  pause: 'M8.5 5v14M15.5 5v14',
  pencil: 'M4 20l1-4.2L16.2 4.6a2 2 0 0 1 2.9 0l.3.3a2 2 0 0 1 0 2.9L8.2 19z',
  play: 'M8 5.5v13l10.5-6.5z',
  plus: 'M12 5v14M5 12h14',
  retry: 'M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.2V9h-4.8',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20',
  trash: 'M4.5 7h15M9.5 7V4h5v3M6.5 7l.9 13h9.2l.9-13M10.2 11v5.5M13.8 11v5.5',
  upload: 'M12 16V4.5M7 9l5-5 5 5M4.5 15.5v4h15v-4',
  wave: 'M3 12v0M7 8v8M11 4v16M15 9v6M19 6v12',
} as const;

export type IconName = keyof typeof PATHS;

/** A line drawing beside a word that says the same. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
