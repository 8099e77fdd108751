/** What a path answers to methods it does not have. */
import type { FastifyInstance, HTTPMethods, RouteOptions } from 'fastify';
import { AppError } from '../errors.ts';
import { sendProblem } from './problems.ts';

/**
 * Notes every route added to `app` from now on. Calling the result, after the last of them, makes their paths
 * answer 405 with `Allow` to all other methods (RFC 9110 15.5.6), and `OPTIONS` with `Allow`.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }: RouteOptions) => {
    const methods = methodsOf.get(url) ?? new Set();
    methodsOf.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });

  return () => {
    for (const [url, methods] of methodsOf) addRefusal(app, url, methods);
  };
}

function addRefusal(app: FastifyInstance, url: string, methods: ReadonlySet<string>): void {
  const Allow = [...new Set([...methods, 'OPTIONS'])].sort().join(', ');
  const others = app.supportedMethods.filter((method) => !methods.has(method)) as HTTPMethods[];
  app.route({
    method: others,
    url,
    schema: { hide: true },
    handler: async (request, reply) => {
      if (request.method === 'OPTIONS') return reply.code(204).header('Allow', Allow).send();
      const error = new AppError('method_not_allowed', `${request.method} is not possible here`);
      return sendProblem(request, reply, error, { Allow });
    },
  });
}
