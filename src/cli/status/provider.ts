/** All accounts of one provider in one paragraph: for many accounts, and for a glance. */
import { paintedBar } from '../bar.ts';
import { count, duration, plural, roughly } from '../numbers.ts';
import type { AccountStatus, Window } from '../shapes.ts';
import { clip, oneLine, widthOf } from '../text.ts';
import { colours, headOf } from './account.ts';
import { TELLING, type Frame } from './frame.ts';
import { BAR_FROM, BAR_WIDTH, barsOf, renderBars, shortModel, telling } from './windows.ts';

const DAY_SECONDS = 86_400;

interface Sum {
  readonly used: number;
  readonly limit: number;
}

/** Each pool once: accounts that share one share its windows. */
const poolsOf = (accounts: readonly AccountStatus[]): AccountStatus[] => [...new Map(accounts.toReversed().map((account) => [account.pool, account])).values()].toReversed();

/** What a pool may do in a day: one window over all its models where it has that, else those of its models together. */
function dayOf(windows: readonly Window[], unit: Window['unit']): Sum {
  const daily = windows.filter((window) => window.unit === unit && window.seconds === DAY_SECONDS);
  const whole = daily.filter(({ model }) => model === undefined);
  return (whole.length > 0 ? whole : daily).reduce((sum, { used, limit }) => ({ used: sum.used + Math.min(used, limit), limit: sum.limit + limit }), { used: 0, limit: 0 });
}

const mayServe = ({ state }: AccountStatus): boolean => state !== 'disabled' && state !== 'suspended';

/** The day of all pools that may serve, in requests, or in tokens where requests are not counted by the day. Undefined: neither is. */
export function dayOfAll(accounts: readonly AccountStatus[]): (Sum & { readonly unit: Window['unit'] }) | undefined {
  for (const unit of ['requests', 'tokens']) {
    const sums = poolsOf(accounts.filter(mayServe)).map(({ windows }) => dayOf(windows, unit));
    const limit = sums.reduce((total, sum) => total + sum.limit, 0);
    if (limit > 0) return { unit, limit, used: sums.reduce((total, sum) => total + sum.used, 0) };
  }
  return undefined;
}

export function renderProvider(provider: string, accounts: readonly AccountStatus[], frame: Frame): string[] {
  const { paint, width } = frame;
  const bars = poolsOf(accounts).flatMap((account) => barsOf(account).map(({ name, window }) => ({ name: `${oneLine(account.label)} ${name}`, window })));
  const dead = accounts.filter(({ state }) => state === 'suspended');
  const unseen = dead.length - TELLING;
  return [
    headline(provider, accounts, frame),
    ...renderBars(telling(bars), frame),
    ...modelRests(accounts, frame.now).map((text) => paint('yellow', clip(`    ${text}`, width))),
    ...dead.slice(0, TELLING).map((account) => headOf(account, frame)),
    ...(unseen > 0 ? [paint('dim', clip(`  and ${count(unseen)} more suspended`, width))] : []),
  ];
}

/** Models that rest at accounts which can serve others, those that rest most widely first. */
function modelRests(accounts: readonly AccountStatus[], now: number): string[] {
  const rests = new Map<string, { readonly what: string; readonly why: string; accounts: number; first: number }>();
  for (const { model, reason, until: end } of accounts.flatMap((account) => account.rests)) {
    if (model === undefined) continue;
    const rest = rests.get(`${model} ${reason}`) ?? { what: oneLine(shortModel(model)), why: oneLine(reason), accounts: 0, first: Infinity };
    rest.accounts += 1;
    rest.first = Math.min(rest.first, end === undefined ? Infinity : Date.parse(end));
    rests.set(`${model} ${reason}`, rest);
  }
  return [...rests.values()]
    .toSorted((a, b) => b.accounts - a.accounts)
    .slice(0, TELLING)
    .map(({ what, why, accounts: number, first }) => `${what} rests at ${plural(number, 'account')} (${why})${Number.isFinite(first) ? `, the first for ${duration(first - now)}` : ''}`);
}

function headline(provider: string, accounts: readonly AccountStatus[], { paint, width }: Frame): string {
  const name = paint('bold', clip(oneLine(provider), width));
  const states = [...new Set(accounts.map(({ state }) => state))].map((state) => paint(colours[state] ?? 'reset', `${count(accounts.filter((account) => account.state === state).length)} ${oneLine(state)}`));
  const day = dayOfAll(accounts);
  const today = day === undefined ? [] : [...(width >= BAR_FROM ? [paintedBar(day.used, day.limit, { width: BAR_WIDTH, paint })] : []), `${roughly(day.used)} of ${roughly(day.limit)} ${day.unit} today`];
  const full = [name, states.join(' '), ...today].join('  ');
  return widthOf(full) <= width ? full : [name, plural(accounts.length, 'account')].join('  ');
}
