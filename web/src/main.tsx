import { render } from 'preact';
import { App } from './app.tsx';
import { route, startRouter } from './router.ts';
import { startUploads } from './uploads/queue.ts';
import './styles/base.css';
import './styles/captions.css';
import './styles/encode-map.css';
import './styles/library.css';
import './styles/uploads.css';
import './styles/watch.css';

startRouter();
// An embedded player is no place to upload.
if (route.value.page !== 'embed') startUploads();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
