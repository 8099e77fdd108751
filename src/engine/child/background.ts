/** Whether this process was started for work that nobody waits for. */
export function isBackground(): boolean {
  return process.argv[2] === 'background';
}
