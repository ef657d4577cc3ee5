/** What keeps the daemon from answering, or from writing down what it should: told above every view until it is over. */
import { h, replace } from './dom.js';
import { poll } from './feed.js';

export function trouble({ feed, signal }) {
  const line = h('section', { class: 'trouble', 'aria-label': 'Trouble', 'aria-live': 'polite' });
  const look = poll(async () => {
    const told = await fetch('../health').then((response) => response.json()).catch(() => undefined);
    if (!signal.aborted) replace(line, ...troublesOf(told).map((text) => h('p', {}, text)));
  }, 5000, signal);
  feed.on('notice', look.nudge, signal);
  return line;
}

function troublesOf(health) {
  if (health === undefined) return ['The daemon does not answer. What is shown is how it was.'];
  const { vault, reason, problems, workers } = health;
  return [
    ...(reason === undefined ? [] : [vault === 'locked' ? [`Nobody is answered: ${reason}. `, h('a', { href: '#/vault' }, 'Unlock it')] : `Nobody is answered: ${reason}.`]),
    ...problems.map(({ message }) => message),
    ...(workers === undefined || workers.running >= workers.wanted ? [] : [`${workers.running} of ${workers.wanted} workers run.`]),
  ];
}
