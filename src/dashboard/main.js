/** The frame: signing in, the menu, and one view at a time. */
import { api, follow, onSignedOut } from './api.js';
import { announce, field, h } from './dom.js';
import { createFeed } from './feed.js';
import * as accounts from './accounts.js';
import * as history from './history.js';
import * as keys from './keys.js';
import * as live from './live.js';
import * as playground from './playground.js';
import * as rules from './rules.js';
import * as today from './today.js';
import { trouble } from './trouble.js';
import * as vault from './vault.js';

const VIEWS = { today, live, history, accounts, keys, rules, playground, vault };
const NAMES = { today: 'Today', live: 'Live', history: 'History', accounts: 'Accounts', keys: 'Keys', rules: 'Rules', playground: 'Playground', vault: 'Vault' };

const app = document.getElementById('app');
const state = { feed: undefined, session: undefined, view: undefined };

const nameNow = () => (location.hash.slice(2) in VIEWS ? location.hash.slice(2) : 'today');

function signIn(mistakeText = '') {
  state.session?.abort();
  state.view?.abort();
  const mistake = h('p', { class: 'mistake', role: 'alert' }, mistakeText);
  const token = h('input', { name: 'token', type: 'password', autocomplete: 'current-password', required: true, spellcheck: 'false' });
  const form = h('form', { class: 'card sign-in' },
    h('div', { class: 'brand' }, h('img', { src: 'icon.svg', alt: '', width: 32, height: 32 }), 'tollfree'),
    h('h1', {}, 'Sign in'),
    field('Admin token', token, 'It is in admin.token in the data directory, or what TOLLFREE_ADMIN_TOKEN says.'),
    mistake,
    h('button', { class: 'primary wide', type: 'submit' }, 'Sign in'),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await api('POST', '/session', { token: token.value.trim() });
      start();
    } catch (error) {
      mistake.replaceChildren(error.message);
      token.select();
    }
  });
  app.replaceChildren(h('main', { id: 'view', class: 'door', tabindex: -1 }, form));
  token.focus();
}

function start() {
  state.session?.abort();
  state.session = new AbortController();
  const line = h('span', { class: 'feed' }, 'connecting');
  state.feed = createFeed();
  follow(state.feed.hear, (open) => {
    line.className = `feed ${open ? 'on' : 'off'}`;
    line.replaceChildren(open ? 'live' : 'reconnecting');
  }, state.session.signal);
  state.feed.on('notice', ({ level, message }) => level !== 'info' && announce(message, 'warn'), state.session.signal);

  const links = Object.entries(NAMES).map(([name, title]) => h('a', { href: `#/${name}` }, title));
  const leave = h('button', { class: 'plain', type: 'button', onclick: async () => {
    await api('DELETE', '/session').catch(() => undefined);
    signIn();
  } }, 'Sign out');
  const main = h('main', { id: 'view', tabindex: -1 });
  app.replaceChildren(
    h('div', { class: 'frame' },
      h('header', { class: 'top' },
        h('a', { class: 'brand', href: '#/today' }, h('img', { src: 'icon.svg', alt: '', width: 24, height: 24 }), 'tollfree'),
        h('nav', { 'aria-label': 'Views' }, links),
        h('div', { class: 'side' }, line, leave),
      ),
      trouble({ feed: state.feed, signal: state.session.signal }),
    ),
    main,
  );
  const show = (focus) => {
    const name = nameNow();
    state.view?.abort();
    state.view = new AbortController();
    for (const link of links) {
      if (link.hash === `#/${name}`) {
        link.setAttribute('aria-current', 'page');
        link.scrollIntoView({ block: 'nearest', inline: 'center' });
      } else link.removeAttribute('aria-current');
    }
    document.title = `${NAMES[name]} · tollfree`;
    main.replaceChildren(...VIEWS[name].view({ feed: state.feed, signal: state.view.signal }));
    scrollTo(0, 0);
    if (focus) main.focus({ preventScroll: true });
  };
  window.addEventListener('hashchange', () => location.hash.startsWith('#/') && show(true), { signal: state.session.signal });
  show(false);
}

onSignedOut(() => signIn('The session is over; please sign in again.'));
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  document.getElementById('view')?.focus();
});
const session = await api('GET', '/session').catch(() => ({}));
if (session.expires_at === undefined) signIn();
else start();
