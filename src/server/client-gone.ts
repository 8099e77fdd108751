import type { ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';

/** Fires when the connection closes before the answer is complete. */
export function clientGoneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new AppError('aborted', 'the client went away'));
  });
  return controller.signal;
}
