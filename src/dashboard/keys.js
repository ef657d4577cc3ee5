/** Virtual keys: for whom, how much, until when. */
import { api, apiAll } from './api.js';
import { announce, ask, confirm, empty, field, h, replace } from './dom.js';
import { poll } from './feed.js';
import { bar, pill } from './parts.js';
import { compact, money, onDay } from './words.js';

export function view({ signal }) {
  const list = h('div', { class: 'rows' });
  const note = h('p', { class: 'quiet' });
  const refresh = poll(async () => {
    try {
      const { virtual_keys: keys } = await apiAll('/virtual-keys', 'virtual_keys');
      replace(note, keys.some(({ state }) => state === 'active') ? 'Programs send a key as Authorization: Bearer or x-api-key.' : 'Until the first key exists, any program on this machine may ask without one. From then on every call needs a key.');
      replace(list, keys.length === 0 ? empty('No virtual key yet.') : keys.sort(byState).map((key) => row(key, refresh)));
    } catch (error) {
      replace(note, error.message);
    }
  }, 10_000, signal);
  return [h('div', { class: 'title' }, h('h1', {}, 'Virtual keys'), h('button', { class: 'primary', type: 'button', onclick: () => create(refresh) }, 'Create a key')), note, list];
}

const byState = (left, right) => Number(left.state !== 'active') - Number(right.state !== 'active') || left.name.localeCompare(right.name);

const limitWords = (name) => name.replaceAll('_', ' ').replace('usd', 'US $');
const amountOf = (name) => (name.startsWith('usd') ? money : compact);

function row(key, refresh) {
  const { id, name, state, project, hint, models, surfaces, limits = {}, user_limits: each = {}, used = {}, expires_at: expires } = key;
  const change = (text, call, properties = {}) => h('button', { type: 'button', 'data-key': `${text}-${id}`, 'aria-label': `${text} ${name}`, ...properties, onclick: async () => {
    try {
      await call();
    } catch (error) {
      announce(error.message, 'bad');
    }
    await refresh.now();
  } }, text);
  return h('article', { class: 'card row', 'aria-label': name },
    h('div', { class: 'row-what' },
      h('h2', {}, name, ' ', pill(state)),
      h('p', { class: 'quiet' }, [`project ${project}`, h('span', { class: 'mono' }, hint), models && `only ${models.join(', ')}`, surfaces && `by ${surfaces.join(', ')}`, Object.keys(each).length > 0 && `each user ${Object.entries(each).map(([limit, most]) => `${amountOf(limit)(most)} ${limitWords(limit)}`).join(', ')}`, expires && `expires ${onDay(expires)}`].filter(Boolean).flatMap((part, index) => (index === 0 ? [part] : [' · ', part]))),
      Object.keys(limits).length > 0 && h('div', { class: 'gauges' }, Object.entries(limits).map(([limit, most]) => {
        const tell = amountOf(limit);
        return h('div', { class: 'gauge' }, h('div', { class: 'gauge-head' }, h('span', { class: 'quiet' }, limitWords(limit)), h('span', { class: 'number' }, `${tell(used[limit] ?? 0)} of ${tell(most)} used`)), bar(used[limit] ?? 0, most, `${name}, ${limitWords(limit)}`));
      })),
    ),
    state === 'active' && h('div', { class: 'row-acts' },
      change('Limits', () => changeLimits(key)),
      change('Rotate', async () => {
        const issued = await confirm({ title: `A new secret for ${name}?`, note: 'The old one stops working at once.', action: 'Rotate', submit: () => api('POST', `/virtual-keys/${id}/rotate`) });
        if (issued !== undefined) await show(issued);
      }),
      change('Revoke', () => confirm({ title: `Revoke ${name}?`, note: 'Whoever uses it is turned away from now on, running answers included.', action: 'Revoke', danger: true, submit: () => api('DELETE', `/virtual-keys/${id}`) }), { class: 'quiet-danger' }),
    ),
  );
}

const LIMITS = { requests_per_minute: 'Requests a minute', requests_per_day: 'Requests a day', tokens_per_day: 'Tokens a day', usd_per_day: 'US $ a day, at list price' };

const limitFields = (limits = {}) => h('fieldset', {}, h('legend', {}, 'Limits'), h('div', { class: 'pair' }, Object.entries(LIMITS).map(([name, title]) => field(title, h('input', { name, type: 'number', min: 0, step: name.startsWith('usd') ? 'any' : 1, inputmode: 'decimal', value: limits[name] ?? '' })))));

const limitsFrom = (values) => Object.fromEntries(Object.keys(LIMITS).flatMap((name) => (values[name] === '' ? [] : [[name, Number(values[name])]])));

async function create(refresh) {
  const issued = await ask({
    title: 'Create a key',
    fields: [
      field('Name', h('input', { name: 'name', required: true, autocomplete: 'off', maxlength: 64 }), 'Who or what will use it; letters, digits and _ . @ -'),
      h('div', { class: 'pair' },
        field('Project', h('input', { name: 'project', autocomplete: 'off', maxlength: 64 })),
        field('Expires', h('input', { name: 'expires', type: 'date' }))),
      field('Models', h('input', { name: 'models', autocomplete: 'off', placeholder: 'auto, groq/*' }), 'Left empty, all of them.'),
      limitFields(),
    ],
    action: 'Create',
    submit: ({ name, project, expires, models, ...limits }) => api('POST', '/virtual-keys', {
      name,
      ...(project !== '' && { project }),
      ...(expires !== '' && { expires_at: new Date(`${expires}T23:59:59`).toISOString() }),
      ...(models.trim() !== '' && { models: models.split(/[\s,]+/).filter(Boolean) }),
      limits: limitsFrom(limits),
    }),
  });
  if (issued === undefined) return;
  await refresh.now();
  await show(issued);
}

/** Limits that have no field here stay as they are. */
const changeLimits = ({ id, name, limits = {} }) => ask({
  title: `Limits of ${name}`,
  fields: limitFields(limits),
  action: 'Change',
  submit: (values) => api('PATCH', `/virtual-keys/${id}`, { limits: { ...Object.fromEntries(Object.entries(limits).filter(([limit]) => !(limit in LIMITS))), ...limitsFrom(values) } }),
});

async function show({ name, secret }) {
  const text = h('input', { name: 'secret', class: 'mono', readonly: true, value: secret });
  await ask({
    title: `The key of ${name}`,
    note: 'Shown this once: only its hash is kept.',
    fields: [field('Secret', text)],
    action: 'Copy and close',
    submit: async () => {
      await navigator.clipboard.writeText(secret).catch(() => {
        text.select();
        throw new Error('the browser does not let us copy; please copy it by hand, then cancel');
      });
      announce('copied', 'good');
    },
  });
}
