/** Live: every request with its story. */
import { empty, h, replace } from './dom.js';
import { story } from './parts.js';
import { plural } from './words.js';

export function view({ feed, signal }) {
  const list = h('ul', { class: 'stories' });
  const note = h('p', { class: 'quiet' });
  const state = { paused: false, missed: 0, frame: 0 };
  const pause = h('button', { type: 'button', 'aria-pressed': 'false', onclick: () => {
    state.paused = !state.paused;
    pause.setAttribute('aria-pressed', String(state.paused));
    pause.replaceChildren(state.paused ? 'Go on' : 'Pause');
    draw();
  } }, 'Pause');

  const draw = () => {
    if (state.paused) return;
    const requests = feed.requests();
    const running = requests.filter(({ status }) => status === undefined);
    const over = requests.filter(({ status }) => status !== undefined);
    replace(note, `${plural(running.length, 'request')} running${state.missed > 0 ? ` · ${plural(state.missed, 'event')} not shown: too many at once` : ''}`);
    replace(list, requests.length === 0 ? h('li', {}, empty('Nothing asked yet. What comes in is shown here, newest first.')) : [...running, ...over].map(story));
  };
  feed.on('*', () => {
    cancelAnimationFrame(state.frame);
    state.frame = requestAnimationFrame(draw);
  }, signal);
  feed.on('dropped', ({ events }) => (state.missed += events), signal);
  draw();
  return [h('div', { class: 'title' }, h('h1', {}, 'Live'), pause), note, list];
}
