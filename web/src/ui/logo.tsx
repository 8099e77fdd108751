/** The mark: a gate between two posts, raised, and the water that runs below it. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--mark)" />
      <g fill="none" stroke="#fff" stroke-linecap="round" stroke-linejoin="round" stroke-width="2.4">
        <path d="M8 25V7h16v18" />
        <path d="M8 20.5c2.7-2.2 5.3-2.2 8 0s5.3 2.2 8 0" />
      </g>
      <rect x="11.6" y="7" width="8.8" height="8.6" rx="1.2" fill="#fff" />
    </svg>
  );
}
