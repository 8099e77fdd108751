/** Answers to requests whose body has not been read to its end. */
import type { IncomingMessage } from 'node:http';

/** A client that only reads the answer once it has sent everything is given so long to send it. */
const DRAIN_MILLISECONDS = 10_000;

/**
 * Lets the rest of the body of `request` go by, so that the client gets to read the answer: a socket that is closed
 * with bytes unread is reset, and takes the answer with it. A body that goes on for too long is cut off.
 */
export function drain(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  const { socket } = request;
  // A client that breaks off after the answer closes its socket, and nothing is heard of `request` any more.
  const cutOff = setTimeout(() => socket.destroy(), DRAIN_MILLISECONDS).unref();
  request.once('close', () => clearTimeout(cutOff));
  // Breaking off is the client's right.
  request.on('error', () => {});
  // Whoever read it would hold it up.
  request.removeAllListeners('data');
  request.resume();
}
