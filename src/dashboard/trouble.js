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

/** A file may have many mistakes: the first, and what is in force instead. */
function brief(message) {
  const [first, ...rest] = message.split('\n');
  const last = rest.pop();
  return [first, rest.length > 0 && `and ${rest.length} more`, last].filter(Boolean).join('\n');
}

function troublesOf(health) {
  if (health === undefined) return ['The daemon does not answer. What is shown is how it was.'];
  const { vault, reason, problems, workers } = health;
  return [
    ...(reason === undefined ? [] : [vault === 'locked' ? [`Nobody is answered: ${reason}. `, h('a', { href: '#/vault' }, 'Unlock it')] : `Nobody is answered: ${reason}.`]),
    ...problems.map(({ message }) => brief(message)),
    ...(workers === undefined || workers.running >= workers.wanted ? [] : [`${workers.running} of ${workers.wanted} workers run.`]),
  ];
}
