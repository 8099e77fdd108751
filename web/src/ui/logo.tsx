/** The mark: a gate between two posts, raised, and the water that runs below it. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--mark)" />
      <g fill="none" stroke="#fff" stroke-linecap="round" stroke-linejoin="round" stroke-width="2.4">
        <path d="M7.5 15V6.5h17V15" />
        <path d="M6.5 20.6c3.2-2.4 6.3-2.4 9.5 0s6.3 2.4 9.5 0M6.5 25.6c3.2-2.4 6.3-2.4 9.5 0s6.3 2.4 9.5 0" />
      </g>
      <rect x="12" y="6.5" width="8" height="9" rx="1.4" fill="#fff" />
    </svg>
  );
}
