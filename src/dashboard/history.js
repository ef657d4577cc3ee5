/** History: an hour to a year of requests, tokens, latency, refusals, fallbacks and money. */
import { api } from './api.js';
import { h, replace } from './dom.js';
import { poll } from './feed.js';
import { plot } from './plot.js';
import { at, compact, count, milliseconds, money, moneyOf, onDay } from './words.js';

const RANGES = {
  hour: { name: 'Hour', load: () => recent('hour') },
  day: { name: 'Day', load: () => recent('day') },
  month: { name: '30 days', since: '30d', load: () => recorded('day', '30d') },
  year: { name: 'Year', get since() { return lastMonths(12)[0]; }, load: () => recorded('month', lastMonths(12)[0]) },
};

async function recent(range) {
  const { points, since } = await api('GET', `/activity?range=${range}`);
  return { points: points.map((point) => ({ ...point, label: at(point.at) })), note: `In memory since ${at(since)} on ${onDay(since)}, when the daemon started; days and months come from the record.` };
}

async function recorded(by, since) {
  const { rows } = await api('GET', `/usage-stats?by=${by}&since=${since}&limit=500`);
  const known = new Map(rows.map((row) => [row[by], row]));
  const none = { requests: 0, failures: 0, failed_attempts: 0, tokens_in: 0, tokens_out: 0, saved_usd: 0, p50_ms: null, p95_ms: null };
  const points = (by === 'day' ? lastDays(30) : lastMonths(12)).map((key) => {
    const row = known.get(key) ?? none;
    return { ...row, fallbacks: row.failed_attempts, label: by === 'day' ? onDay(key) : key };
  });
  return { points, note: 'From the record, by days of UTC.' };
}

const lastDays = (days) => Array.from({ length: days }, (_, index) => new Date(Date.now() - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10));

function lastMonths(months) {
  const now = new Date();
  return Array.from({ length: months }, (_, index) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (months - 1 - index), 1)).toISOString().slice(0, 7));
}

export function view({ signal }) {
  const plots = h('div', { class: 'plots' });
  const note = h('p', { class: 'quiet' });
  const shares = h('section', { class: 'card' });
  const state = { range: 'hour' };
  const buttons = Object.entries(RANGES).map(([range, { name }]) => h('button', { type: 'button', 'aria-pressed': String(range === state.range), onclick: () => {
    state.range = range;
    for (const [index, button] of buttons.entries()) button.setAttribute('aria-pressed', String(Object.keys(RANGES)[index] === range));
    void refresh.now();
  } }, name));

  const refresh = poll(async () => {
    // A pointer on a plot reads it: nothing moves under it.
    if (plots.matches(':hover') || plots.contains(document.activeElement)) if (plots.dataset.range === state.range) return;
    try {
      const { range } = state;
      const [{ points, note: told }, stats] = await Promise.all([RANGES[range].load(), api('GET', `/usage-stats?by=model&since=${RANGES[range].since ?? '1d'}&limit=12`)]);
      plots.dataset.range = range;
      replace(plots, plotsOf(points));
      replace(note, told);
      replace(shares, ...modelsOf(stats));
    } catch (error) {
      replace(note, error.message);
    }
  }, 10_000, signal);

  return [h('div', { class: 'title' }, h('h1', {}, 'History'), h('div', { class: 'choice', role: 'group', 'aria-label': 'How far back' }, buttons)), note, plots, shares];
}

function plotsOf(points) {
  const labels = points.map(({ label }) => label);
  const of = (name) => points.map((point) => point[name]);
  const answered = points.map(({ requests, failures }) => requests - failures);
  const make = (title, kind, format, series) => plot({ title, kind, format, labels, series });
  return [
    make('Requests', 'bars', count, [{ name: 'answered', values: answered }, { name: 'not answered', values: of('failures') }]),
    make('Tokens', 'bars', compact, [{ name: 'in', values: of('tokens_in') }, { name: 'out', values: of('tokens_out') }]),
    make('Time to the whole answer', 'lines', milliseconds, [{ name: 'half within', values: of('p50_ms') }, { name: '95 % within', values: of('p95_ms') }]),
    make('Saved', 'bars', money, [{ name: 'against list price', values: of('saved_usd') }]),
    make('Calls that fell back', 'bars', count, [{ name: 'to another account or provider', values: of('fallbacks') }]),
    ...('refused' in (points[0] ?? {}) ? [make('Turned away at the door', 'bars', count, [{ name: 'no key, no room, no sense', values: of('refused') }])] : []),
  ];
}

function modelsOf({ rows, since }) {
  const answered = rows.filter(({ model }) => model !== '');
  return [
    h('h2', {}, 'By model'),
    h('p', { class: 'quiet' }, `Since ${onDay(since)}.`),
    answered.length === 0 ? h('p', { class: 'quiet' }, 'Nothing answered yet.') : h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'By model' }, h('table', {},
      h('thead', {}, h('tr', {}, ['Model', 'Requests', 'Tokens', 'Half within', '95 % within', 'Saved'].map((name, index) => h('th', { scope: 'col', class: index > 0 && 'right' }, name)))),
      h('tbody', {}, answered.map((row) => h('tr', {},
        h('th', { scope: 'row', class: 'mono' }, row.model),
        [count(row.requests), compact(row.tokens_in + row.tokens_out), milliseconds(row.p50_ms), milliseconds(row.p95_ms), moneyOf(row.saved_usd, row.unvalued_requests)].map((text) => h('td', { class: 'right number' }, text))))))),
  ];
}
