/** Vault: locking, unlocking, a new data key. */
import { api } from './api.js';
import { announce, confirm, field, h, replace } from './dom.js';
import { poll } from './feed.js';
import { pill, sign } from './parts.js';
import { atSecond, onDay, plural } from './words.js';

export function view({ signal }) {
  const card = h('section', { class: 'card' });
  poll(async () => {
    // Somebody is typing: the form stays.
    if (card.contains(document.activeElement) && document.activeElement.value) return;
    try {
      draw(await api('GET', '/vault'));
    } catch (error) {
      replace(card, h('p', { class: 'mistake' }, error.message));
    }
  }, 10_000, signal);

  const act = async (call, done) => {
    try {
      const told = await call();
      if (told === undefined) return;
      announce(done, 'good');
      draw(told);
    } catch (error) {
      announce(error.message, 'bad');
    }
  };

  function draw(vault) {
    const { state, accounts, unlocks, epoch, kept_from_swap: kept } = vault;
    replace(card,
      h('h2', {}, 'The vault ', pill(state)),
      h('dl', { class: 'facts' },
        fact('Accounts', plural(accounts, 'account')),
        fact('Opens with', unlocks.length === 0 ? 'nothing yet' : unlocks.join(', ')),
        fact('Changed', plural(epoch, 'time')),
        kept !== undefined && fact('Keys in memory', kept ? 'kept from being written to swap' : 'may be written to swap: raise the memlock limit')),
      state === 'locked' && (unlocks.includes('passphrase') ? unlockForm((passphrase) => act(() => api('POST', '/vault/unlock', { passphrase }), 'the vault is unlocked')) : h('p', {}, 'Calls answer 503. It opens with its key file alone: start the daemon again.')),
      state === 'unlocked' && h('div', { class: 'actions' },
        h('button', { type: 'button', 'data-key': 'rotate', onclick: () => act(() => confirm({ title: 'A new data key?', note: 'Every credential is sealed anew. It takes a moment; calls go on meanwhile.', action: 'Rotate', submit: () => api('POST', '/vault/rotate') }), 'every credential is sealed anew') }, 'Rotate the data key'),
        h('button', { type: 'button', class: 'danger', 'data-key': 'lock', onclick: () => act(() => confirm({ title: 'Lock the vault?', note: 'Every call is refused until somebody unlocks it by hand.', action: 'Lock', danger: true, submit: () => api('POST', '/vault/lock') }), 'the vault is locked') }, 'Lock')),
      state === 'absent' && h('p', { class: 'quiet' }, 'npm run setup makes one and asks for the first key.'),
    );
  }

  const trail = h('section', { class: 'card' });
  void api('GET', '/vault/audit').then((told) => replace(trail, ...auditOf(told)), (error) => replace(trail, h('p', { class: 'mistake' }, error.message)));
  return [h('h1', {}, 'Vault'), card, trail];
}

function auditOf({ entries, problem, vouched, newest }) {
  const whole = vouched ? 'whole, and vouched for by the vault’s key' : 'whole; unlocked, the vault’s key can vouch for it';
  return [
    h('h2', {}, 'Audit log'),
    h('p', { class: problem === undefined ? 'good-text' : 'mistake' }, sign(problem === undefined ? 'ok' : 'bad'), ` ${problem ?? `${plural(entries, 'entry', 'entries')}, ${whole}`}`),
    newest.length > 0 && h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Audit log' }, h('table', { class: 'audit' },
      h('thead', {}, h('tr', {}, ['When', 'Who', 'What', 'On', 'Result'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, newest.map(({ at: when, by, act, on = [], result, from }) => h('tr', {},
        [`${onDay(when)} ${atSecond(when)}`, from === undefined ? by : `${by} from ${from}`, act, on.join(', '), result ?? 'done'].map((text) => h('td', {}, text))))))),
  ];
}

const fact = (name, value) => [h('dt', {}, name), h('dd', {}, value)];

function unlockForm(unlock) {
  const input = h('input', { name: 'passphrase', type: 'password', required: true, autocomplete: 'off' });
  return h('form', { onsubmit: async (event) => {
    event.preventDefault();
    const words = input.value;
    input.value = '';
    await unlock(words);
  } }, field('Passphrase', input, 'Locked means that calls answer 503.'), h('div', { class: 'actions' }, h('button', { class: 'primary', type: 'submit' }, 'Unlock')));
}
