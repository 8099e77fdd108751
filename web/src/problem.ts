import { sentence } from './text.ts';

/** What the body of a refusal (RFC 9457) has to say to a person. */
export function problemText(body: string, status: number): string {
  const problem = parse(body);
  return sentence(problem.detail ?? problem.title ?? `the server answered with status ${status}`);
}

function parse(body: string): { title?: string; detail?: string } {
  try {
    return JSON.parse(body) as { title?: string; detail?: string };
  } catch {
    return {};
  }
}
