/** Accounts: who there is; adding, testing, pausing, removing. */
import { api, apiAll } from './api.js';
import { announce, ask, confirm, empty, field, h, replace } from './dom.js';
import { poll } from './feed.js';
import { pill, restWords, sign } from './parts.js';
import { count, plural, until } from './words.js';

export function view({ feed, signal }) {
  const list = h('div', { class: 'rows' });
  const failing = h('section', { class: 'card', 'aria-label': 'What fails' });
  const add = h('button', { class: 'primary', type: 'button', onclick: () => addAccount(refresh) }, 'Add an account');
  const refresh = poll(async () => {
    try {
      const [{ accounts }, { breakers }] = await Promise.all([apiAll('/accounts', 'accounts'), apiAll('/breakers', 'breakers')]);
      replace(failing, ...failures(breakers, accounts));
      replace(list, accounts.length === 0 ? empty('The vault holds no account yet.') : accounts.map((account) => row(account, refresh)));
    } catch (error) {
      replace(list, h('p', { class: 'mistake' }, error.message));
    }
  }, 10_000, signal);
  feed.on('account-changed', refresh.nudge, signal);
  return [h('div', { class: 'title' }, h('h1', {}, 'Accounts'), add), list, failing];
}

/** What has failed of late, worst first: left out, on trial, still asked. */
function failures(breakers, accounts) {
  const names = new Map(accounts.map(({ id, label }) => [id, label]));
  const order = ['open', 'half-open', 'closed'];
  const shown = breakers.filter(({ failures: failed, state }) => failed > 0 || state !== 'closed').sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state) || other.failures - one.failures);
  if (shown.length === 0) return [];
  return [
    h('h2', {}, 'Failing of late'),
    h('p', { class: 'quiet' }, 'What fails too often is left out for a while; one call then tries whether it is well again.'),
    h('ol', { class: 'candidates' }, shown.slice(0, 20).map((breaker) => h('li', {}, breakerState(breaker), h('span', {},
      h('b', {}, [breaker.provider, names.get(breaker.account)].filter(Boolean).join('/')), breaker.model !== undefined && h('span', { class: 'mono' }, ` ${breaker.model}`),
      h('span', { class: 'quiet' }, breaker.failures > 0 ? ` ${count(breaker.failures)} of ${plural(breaker.calls, 'call')} failed in the last minute` : ` ${plural(breaker.consecutive, 'failure')} since its last answer`),
    )))),
    shown.length > 20 && h('p', { class: 'quiet' }, `and ${count(shown.length - 20)} more`),
  ];
}

function breakerState({ state, until: free }) {
  if (state === 'open') return h('span', { class: 'outcome bad' }, sign('bad'), free === undefined ? ' left out' : ` for ${until(free)}`);
  return state === 'half-open' ? h('span', { class: 'outcome wait' }, sign('wait'), ' on trial') : h('span', { class: 'outcome ok' }, sign('ok'), ' asked');
}

function row({ id, provider, label, organization, origin, state, enabled, rests }, refresh) {
  const name = `${provider}/${label}`;
  const act = (text, call, properties = {}) => h('button', { type: 'button', 'data-key': `${text}-${id}`, 'aria-label': `${text} ${name}`, ...properties, onclick: async ({ currentTarget }) => {
    currentTarget.disabled = true;
    try {
      await call();
    } catch (error) {
      announce(error.message, 'bad');
    }
    currentTarget.disabled = false;
    await refresh.now();
  } }, text);
  return h('article', { class: 'card row', 'aria-label': name },
    h('div', { class: 'row-what' },
      h('h2', {}, label, ' ', pill(state)),
      h('p', { class: 'quiet' }, [provider, organization, `sealed for ${origin}`].filter(Boolean).join(' · ')),
      rests.map((rest) => h('p', { class: 'rest-note' }, rest.model !== undefined && h('span', { class: 'mono' }, `${rest.model} `), restWords(rest))),
    ),
    h('div', { class: 'row-acts' },
      act('Test', async () => {
        const { ok, message, tier } = await api('POST', `/accounts/${id}/test`);
        announce(`${name}: ${message}${tier === undefined ? '' : ` (${tier})`}`, ok ? 'good' : 'bad');
      }),
      rests.length > 0 && act('Wake', async () => {
        const { cleared } = await api('DELETE', `/cooldowns?account=${id}`);
        announce(`${name}: ${plural(cleared, 'rest')} cleared`, 'good');
      }),
      act(enabled ? 'Disable' : 'Enable', () => api('PATCH', `/accounts/${id}`, { enabled: !enabled })),
      act('Remove', () => confirm({ title: `Remove ${name}?`, note: 'Its key is forgotten. What it answered stays in the record.', action: 'Remove', danger: true, submit: () => api('DELETE', `/accounts/${id}`) }), { class: 'quiet-danger' }),
    ),
  );
}

async function addAccount(refresh) {
  const { providers } = await apiAll('/providers', 'providers').catch((error) => {
    announce(error.message, 'bad');
    return { providers: [] };
  });
  const open = providers.filter(({ status }) => status !== 'retired').sort((left, right) => left.title.localeCompare(right.title));
  const about = h('p', { class: 'quiet' });
  const choice = h('select', { name: 'provider', required: true, onchange: () => tell() }, open.map(({ name, title }) => h('option', { value: name }, title)));
  const tell = () => {
    const provider = open.find(({ name }) => name === choice.value);
    const safe = (provider?.sign_up_url ?? '').startsWith('https://');
    replace(about, provider?.notes ?? '', ' ', safe && h('a', { href: provider.sign_up_url, target: '_blank', rel: 'noopener noreferrer' }, 'Get a key'));
  };
  tell();
  const added = await ask({
    title: 'Add an account',
    fields: [
      field('Provider', choice), about,
      field('Key', h('input', { name: 'key', type: 'password', required: true, autocomplete: 'off', spellcheck: 'false' }), 'Sealed in the vault for this provider alone; nobody can read it back.'),
      field('Label', h('input', { name: 'label', autocomplete: 'off', maxlength: 64 }), 'Left empty, the provider and a number.'),
      field('Organisation', h('input', { name: 'organization', autocomplete: 'off', maxlength: 128 }), 'Keys of one organisation share its quota, where the provider counts so.'),
      h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'check', checked: true }), ' Ask the provider whether the key is good; it costs no quota'),
    ],
    action: 'Add',
    submit: ({ provider, key, label, organization, check }) => api('POST', '/accounts', { provider, key, ...(label !== '' && { label }), ...(organization !== '' && { organization }), check: check === 'on' }),
  });
  if (added === undefined) return;
  announce(`added ${added.provider}/${added.label}${added.check === undefined ? '' : `: ${added.check.message}`}`, 'good');
  await refresh.now();
}
