import { render } from 'preact';
import { App } from './app.tsx';
import { startRouter } from './router.ts';
import './styles/base.css';
import './styles/library.css';
import './styles/watch.css';

startRouter();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
