import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

/** Listens, and answers with the address. Throws `config_invalid` where something else listens there. */
export async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new AppError('config_invalid', `cannot listen on ${host}:${port} (${code})`);
  }
}
