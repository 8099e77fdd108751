import { defineConfig } from 'vite';

const SERVER = 'http://127.0.0.1:8080';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/api': SERVER, '/v': SERVER } },
  build: {
    target: 'es2022',
    // A file that is inlined becomes a data: address, which a strict Content-Security-Policy refuses.
    assetsInlineLimit: 0,
    // The two streaming libraries are this large whatever we do; each is fetched only when it is to play.
    chunkSizeWarningLimit: 700,
  },
});
