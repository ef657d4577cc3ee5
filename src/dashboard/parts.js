/** Pieces several views show: states, bars, stories, explanations. */
import { h } from './dom.js';
import { atSecond, compact, count, milliseconds, moment, money, plural, STATES, until, windowName } from './words.js';

const SIGNS = { ok: '✓', bad: '✕', wait: '…', running: '◌' };

/** Beside words that say the same: for eyes only. */
export const sign = (kind) => h('span', { 'aria-hidden': 'true' }, SIGNS[kind]);

export function pill(state) {
  const { shape, word } = STATES[state] ?? { shape: '·', word: state };
  return h('span', { class: `pill ${state}` }, h('span', { 'aria-hidden': 'true' }, shape), ` ${word}`);
}

/** Why it rests and until when; what is over waits for one call to try it. */
export function restWords({ reason, until: free }) {
  if (free === undefined) return `${reason}; until somebody acts`;
  return Date.parse(free) <= Date.now() ? `${reason}; the next call tries it again` : `${reason}; again in ${until(free)}`;
}

const tone = (share) => (share >= 1 ? 'full' : share >= 0.8 ? 'high' : 'fine');

/** A bar of what is used. */
export const bar = (used, limit, label) => meter({ value: Math.min(used, limit), limit, label, told: `${count(used)} of ${count(limit)} used`, look: tone(limit > 0 ? used / limit : 0) });

/** A bar of what is left, where the words beside it tell that; spent it is hatched all over, so that it is not taken for one that is missing. */
export function gaugeBar(used, limit, label) {
  const left = Math.max(0, limit - used);
  const look = tone(limit > 0 ? used / limit : 0);
  return meter({ value: left, shown: look === 'full' ? limit : left, limit, label, told: `${count(left)} of ${count(limit)} left`, look });
}

/** Anything there shows, and anything missing. CSP forbids style attributes, not the style property. */
function meter({ value, shown = value, limit, label, told, look }) {
  const filled = h('span', { class: 'filled' });
  const share = limit > 0 ? (shown / limit) * 100 : 0;
  filled.style.width = `${shown <= 0 ? 0 : shown >= limit ? 100 : Math.min(98, Math.max(2, share))}%`;
  return h('span', { class: `bar ${look}`, role: 'meter', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': limit, 'aria-valuenow': Math.round(value), 'aria-valuetext': told }, filled);
}

/** One window: what is left, of how much, and when it is whole again. */
export function gauge(window) {
  const { used, limit, unit, resets_at: resets, empty_at: empty } = window;
  const left = Math.max(0, limit - used);
  const name = windowName(window);
  const whole = used > 0 && resets !== undefined ? `whole in ${until(resets)}` : '\u00a0';
  const note = empty === undefined ? whole : h('span', { class: 'warn-text' }, `lasts until ${moment(empty)}`);
  return h('div', { class: 'gauge' },
    h('div', { class: 'gauge-head' }, h('span', { class: 'quiet' }, name), h('span', { class: 'number' }, unit === 'concurrent' ? `${count(used)} of ${count(limit)}` : h('span', {}, h('b', {}, compact(left)), ` of ${compact(limit)} left`))),
    (unit === 'concurrent' ? bar : gaugeBar)(used, limit, `${name}${window.model === undefined ? '' : `, ${window.model}`}`),
    h('div', { class: 'gauge-foot' }, note),
  );
}

export const figure = (name, value, note) => h('div', { class: 'figure' }, h('div', { class: 'figure-name' }, name), h('div', { class: 'figure-value' }, value), h('div', { class: 'figure-note' }, note ?? '\u00a0'));

const sentAttempts = ({ attempts = [] }) => attempts.filter(({ sent }) => sent);

function step({ provider, account, model, outcome, ms, message, retry_at: retryAt }) {
  const ok = outcome === 'ok';
  return h('li', { class: ok ? 'ok' : 'bad', title: message },
    sign(ok ? 'ok' : 'bad'), ' ',
    h('b', {}, `${provider}/${account}`), ' ', h('span', { class: 'mono' }, model),
    h('span', { class: 'quiet' }, ` ${ok ? '' : `${outcome} · `}${milliseconds(ms)}${retryAt === undefined ? '' : ` · free at ${moment(retryAt)}`}`),
  );
}

/** A request as a story: which rule and words, who was asked, who answered. */
export function story(request) {
  const { status, rule, words = [], queue_ms: queued = 0, failure, key } = request;
  const running = status === undefined;
  const tries = sentAttempts(request);
  const kind = running ? 'running' : status < 400 ? 'ok' : 'bad';
  return h('li', { class: `story ${kind}` },
    h('div', { class: 'story-head' },
      h('time', { class: 'number quiet', datetime: request.at }, atSecond(request.at)),
      h('span', { class: `outcome ${kind}` }, sign(kind), ` ${status ?? 'running'}`),
      h('span', { class: 'story-what' }, running ? h('span', { class: 'mono' }, request.model) : rule === undefined ? h('span', { class: 'mono' }, request.model) : h('b', {}, rule),
        words.length > 0 && h('span', { class: 'words' }, words.slice(0, 6).map((word) => h('span', { class: 'word' }, word)))),
      h('span', { class: 'story-sums number quiet' }, [
        key, running ? undefined : request.tokens_in === undefined ? undefined : `${compact(request.tokens_in)} → ${compact(request.tokens_out)} tokens`,
        request.cache === 'hit' && 'from the cache',
        request.saved_usd > 0 ? `${money(request.saved_usd)} saved` : undefined, running ? undefined : milliseconds(request.total_ms),
      ].filter(Boolean).join(' · ')),
    ),
    (tries.length > 0 || queued > 0 || failure !== undefined) && h('ol', { class: 'steps' },
      queued >= 1 && h('li', {}, sign('wait'), h('span', { class: 'quiet' }, ` waited ${milliseconds(queued)} in line`)),
      tries.map(step),
      failure !== undefined && tries.every(({ outcome }) => outcome !== failure) && h('li', { class: 'bad' }, sign('bad'), ` ${failure}`),
    ),
  );
}

/** Why this rule, and who could answer when. */
export function explanation({ rule, because, score, words, candidates, tokens, considered = [] }) {
  const shown = candidates.slice(0, 12);
  return [
    h('p', { class: 'lead' }, h('b', {}, rule === '' ? 'no rule' : rule), h('span', { class: 'quiet' }, ` · score ${score} · about ${plural(tokens, 'token')}`)),
    h('p', {}, `${because}.`),
    words.length > 0 && h('p', { class: 'words' }, words.map(({ word, where }) => h('span', { class: 'word', title: where }, word))),
    h('h3', {}, 'Who could answer'),
    shown.length === 0 ? h('p', { class: 'quiet' }, 'Nobody: no account here serves such a request.') : h('ol', { class: 'candidates' }, shown.map(({ provider, account, model, free_at: freeAt, reason }) => {
      const now = freeAt !== undefined && Date.parse(freeAt) <= Date.now() + 500;
      return h('li', {},
        h('span', { class: now ? 'outcome ok' : 'outcome wait' }, sign(now ? 'ok' : 'wait'), now ? ' now' : freeAt === undefined ? ' –' : ` in ${until(freeAt)}`),
        h('span', {}, h('b', {}, `${provider}/${account}`), ' ', h('span', { class: 'mono' }, model), !now && h('span', { class: 'quiet' }, ` ${reason}`)),
      );
    })),
    candidates.length > shown.length && h('p', { class: 'quiet' }, `and ${count(candidates.length - shown.length)} more`),
    considered.length > 0 && h('details', { 'data-key': 'considered' }, h('summary', {}, `All ${count(considered.length)} rules, weighed`),
      h('ul', { class: 'plain-list' }, considered.map((one) => h('li', {}, h('b', {}, one.rule), h('span', { class: 'quiet' }, ` score ${one.score}${one.failed === undefined ? '' : ` · ruled out by ${one.failed}`}`))))),
  ];
}
