/** Today: what is left, at a glance. */
import { api, apiAll } from './api.js';
import { empty, h, replace } from './dom.js';
import { dayOf, firstEmpty, picture, today } from './capacity.js';
import { poll } from './feed.js';
import { figure, gauge, gaugeBar, pill, restWords } from './parts.js';
import { compact, count, moment, money, percent, plural, windowName } from './words.js';

export function view({ feed, signal }) {
  const summary = h('section', { class: 'summary', 'aria-label': 'Summary' }, h('p', { class: 'quiet' }, 'Asking the daemon…'));
  const groups = h('div', { class: 'groups' });
  let providers;

  const refresh = poll(async () => {
    try {
      providers ??= (await apiAll('/providers', 'providers')).providers;
      const [{ accounts, waiting }, stats] = await Promise.all([apiAll('/accounts', 'accounts'), api('GET', '/usage-stats?by=provider&since=1d')]);
      const all = picture(accounts, providers);
      replace(summary, ...(accounts.length === 0 ? [] : summaryOf(all, accounts, waiting, stats.total)));
      replace(groups, accounts.length === 0 ? noAccounts() : all.map(provider));
    } catch (error) {
      replace(summary, h('p', { class: 'mistake' }, error.message));
    }
  }, 5000, signal);
  feed.on('request-finished', refresh.nudge, signal);
  feed.on('account-changed', refresh.nudge, signal);

  return [h('h1', {}, 'Today'), summary, groups];
}

const noAccounts = () => empty('No account yet. Each one adds its free tier to the pool.', h('a', { class: 'button primary', href: '#/accounts' }, 'Add an account'));

function summaryOf(all, accounts, waiting, total) {
  const parts = today(all);
  const limit = parts.reduce((sum, part) => sum + part.limit, 0);
  const used = parts.reduce((sum, part) => sum + part.used, 0);
  const soon = firstEmpty(accounts);
  const answered = total.requests - total.failures;
  return [
    h('div', { class: 'card hero' },
      h('div', { class: 'hero-head' },
        h('div', {}, h('div', { class: 'hero-value' }, limit === 0 ? '–' : count(limit - used)), h('div', { class: 'quiet' }, limit === 0 ? 'no provider here counts requests a day' : `of ${count(limit)} requests left today`)),
        limit > 0 && h('div', { class: 'hero-share' }, percent((limit - used) / limit)),
      ),
      limit > 0 && stacked(parts, limit),
      h('p', { class: soon === undefined ? 'quiet' : 'warn-text' }, soon === undefined ? 'At the pace of the last hour nothing runs out before its reset.' : `At the pace of the last hour ${soon.provider}/${soon.label} spends its ${windowName(soon)}${soon.model === undefined ? '' : ` of ${soon.model}`} by ${moment(soon.empty_at)}.`),
    ),
    h('div', { class: 'figures' },
      figure('Answered today', count(answered), total.failures === 0 ? 'none refused' : `${count(total.failures)} not answered`),
      figure('Tokens today', compact(total.tokens_in + total.tokens_out), `${compact(total.tokens_in)} in, ${compact(total.tokens_out)} out`),
      figure('Saved today', money(total.saved_usd), total.saved_usd !== null && total.unvalued_requests > 0 ? `against list price; of ${count(total.unvalued_requests)} unknown` : 'against list price'),
      figure('Accounts', `${accounts.filter(({ state }) => state === 'active' || state === 'trial').length} of ${accounts.length}`, waiting > 0 ? `active · ${plural(waiting, 'request')} in line` : 'active · nobody in line'),
    ),
  ];
}

/** One bar of all providers: what each has left, and what is used at the end. */
function stacked(parts, limit) {
  const used = parts.reduce((sum, part) => sum + part.used, 0);
  const pieces = parts.filter((part) => part.limit > 0).map((part, index) => {
    const piece = h('span', { class: `piece tone-${index % 6}` });
    piece.style.width = `${((part.limit - part.used) / limit) * 100}%`;
    return piece;
  });
  return [
    h('div', { class: 'stack', role: 'img', 'aria-label': parts.map(({ title, limit, used }) => `${title}: ${count(limit - used)} of ${count(limit)} requests left`).join('; ') }, pieces),
    h('ul', { class: 'legend' },
      parts.filter((part) => part.limit > 0).map((part, index) => h('li', {}, h('span', { class: `swatch tone-${index % 6}`, 'aria-hidden': 'true' }), part.title, h('span', { class: 'number quiet' }, ` ${compact(part.limit - part.used)}`))),
      used > 0 && h('li', {}, h('span', { class: 'swatch spent', 'aria-hidden': 'true' }), 'used', h('span', { class: 'number quiet' }, ` ${compact(used)}`))),
  ];
}

function provider({ name, title, accounts }) {
  return h('section', { class: 'card provider', 'aria-labelledby': `provider-${name}` },
    h('div', { class: 'card-head' }, h('h2', { id: `provider-${name}` }, title), h('span', { class: 'quiet' }, plural(accounts.length, 'account'))),
    accounts.map(account),
  );
}

function account({ id, label, state, rests, shared, models, ...rest }) {
  const day = dayOf({ shared, models });
  const counted = models.filter((model) => model.counted && model.windows.length > 0);
  const others = models.filter((model) => !model.counted && model.windows.length > 0);
  const whole = rests.find(({ model }) => model === undefined);
  return h('details', { class: `account ${state}`, 'data-key': `account-${id}` },
    h('summary', {},
      h('span', { class: 'account-name' }, h('b', {}, label), rest.organization !== undefined && h('span', { class: 'quiet' }, ` ${rest.organization}`)),
      pill(state),
      h('span', { class: 'account-bar' }, day === undefined ? h('span', { class: 'quiet' }, 'no daily limit known') : gaugeBar(day.used, day.limit, `${label}, requests today`)),
      h('span', { class: 'account-left number' }, day === undefined ? '' : h('span', {}, h('b', {}, compact(day.limit - day.used)), ` of ${compact(day.limit)}`)),
    ),
    whole !== undefined && h('p', { class: 'rest-note' }, restWords(whole)),
    shared.length > 0 && h('div', { class: 'gauges' }, shared.map(gauge)),
    counted.map(modelWindows),
    rests.filter(({ model }) => model !== undefined).map((rest) => h('p', { class: 'rest-note' }, h('span', { class: 'mono' }, rest.model), ` ${restWords(rest)}`)),
    others.length > 0 && h('details', { 'data-key': `unused-${id}`, class: 'unused' }, h('summary', {}, `${plural(others.length, 'model')} not used yet`), others.map(modelWindows)),
    shared.length === 0 && models.every(({ windows }) => windows.length === 0) && h('p', { class: 'quiet' }, 'Its limits are not published; they are learned while it is used.'),
  );
}

const modelWindows = ({ name, windows }) => h('div', { class: 'model' }, h('h3', { class: 'mono' }, name), h('div', { class: 'gauges' }, windows.map(gauge)));
