/**
 * A program that uploads one file with tus-js-client, and goes on where an earlier run of it was ended.
 *
 *   node test/ingest/tus-client.ts <endpoint> <file> <file that remembers the address of the upload>
 */
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type HttpResponse, Upload } from 'tus-js-client';

const [endpoint = '', file = '', memory = ''] = process.argv.slice(2);
const ids = new Set<string>();

const upload = new Upload(createReadStream(file) as unknown as File, {
  endpoint,
  metadata: { filename: basename(file) },
  chunkSize: 256 * 1024,
  // At once after a broken connection, with patience for a server that starts.
  retryDelays: [20, 20, 20, 20, 20, 20, 500, 1000, 2000, 4000, 8000],
  ...(existsSync(memory) ? { uploadUrl: readFileSync(memory, 'utf8') } : {}),
  onUploadUrlAvailable: () => writeFileSync(memory, upload.url ?? ''),
  onAfterResponse: (_request, response: HttpResponse) => {
    const id = response.getHeader('Sluice-Video-Id');
    if (id !== undefined) ids.add(id);
  },
  onError: (error) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  },
  onSuccess: () => process.stdout.write([...ids].join(' ')),
});
upload.start();
