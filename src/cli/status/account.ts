/** One account: its state, what keeps it from work, its windows. */
import type { Paint } from '../context.ts';
import { plural, until } from '../numbers.ts';
import type { AccountStatus } from '../shapes.ts';
import { clip, oneLine, pad } from '../text.ts';
import type { Frame } from './frame.ts';
import { barsOf, renderBars, shortModel, telling } from './windows.ts';

const LABEL_WIDTH = 20;

export const colours: Readonly<Record<string, Parameters<Paint>[0]>> = { active: 'green', resting: 'yellow', suspended: 'red', disabled: 'dim' };

export function renderAccount(account: AccountStatus, accounts: readonly AccountStatus[], frame: Frame): string[] {
  const { paint, width } = frame;
  const head = headOf(account, frame);
  const sharedWith = sharer(account, accounts);
  if (sharedWith !== undefined) return [head, paint('dim', clip(`    shares the windows of ${oneLine(sharedWith.label)}`, width))];
  const bars = barsOf(account);
  const shown = frame.detail === 'windows' ? bars : telling(bars);
  const rest = bars.length - shown.length;
  const more = shown.length === 0 ? `${plural(rest, 'window')}, all untouched` : plural(rest, 'more window');
  return [head, ...renderBars(shown, frame), ...(rest === 0 ? [] : [paint('dim', clip(`    ${more}`, width))])];
}

/** Label and state, with every rest and its end. */
export function headOf(account: AccountStatus, { paint, width, now }: Frame): string {
  const state = [account.state, ...restTexts(account.rests, now)].join(' · ');
  const label = pad(clip(oneLine(account.label), LABEL_WIDTH), LABEL_WIDTH);
  return `  ${label} ${paint(colours[account.state] ?? 'reset', clip(oneLine(state), Math.max(1, width - LABEL_WIDTH - 3)))}`;
}

/** The first account of the same pool, whose windows are the same ones. */
function sharer({ id, pool }: AccountStatus, accounts: readonly AccountStatus[]): AccountStatus | undefined {
  const first = accounts.find((other) => other.pool === pool);
  return first?.id === id ? undefined : first;
}

/** One piece of text each: the account's own rests, and those of its models together by their reason. */
function restTexts(rests: AccountStatus['rests'], now: number): string[] {
  const whole = rests.filter(({ model }) => model === undefined).map(({ reason, until: end }) => `${reason}, ${endText(end, now)}`);
  const byReason = new Map<string, AccountStatus['rests']>();
  for (const rest of rests.filter(({ model }) => model !== undefined)) byReason.set(rest.reason, [...(byReason.get(rest.reason) ?? []), rest]);
  const ofModels = [...byReason].map(([reason, each]) => {
    const first = each.map(({ until: end }) => end ?? '').filter((end) => end !== '').toSorted((a, b) => Date.parse(a) - Date.parse(b))[0];
    return `${each.length === 1 ? shortModel(each[0]?.model ?? '') : plural(each.length, 'model')} resting (${reason}), ${endText(first, now)}`;
  });
  return [...whole, ...ofModels];
}

const endText = (end: string | undefined, now: number): string => (end === undefined ? 'until someone acts' : `for ${until(end, now)}`);
