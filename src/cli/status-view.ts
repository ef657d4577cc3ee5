/** Accounts and their windows as lines of text. */
import { stripVTControlCharacters } from 'node:util';
import { paintedBar } from './bar.ts';
import type { Paint } from './context.ts';
import { count, duration, plural, roughly, span, until } from './numbers.ts';
import type { AccountStatus, AccountsAnswer, Window } from './shapes.ts';
import { clip, oneLine, pad, widthOf } from './text.ts';

export interface Traffic {
  /** Requests since the daemon started. */
  readonly requests: number;
  readonly perSecond: number;
}

export interface StatusPicture extends AccountsAnswer {
  readonly address: string;
  readonly traffic?: Traffic;
}

export interface Frame {
  readonly width: number;
  readonly paint: Paint;
  readonly now: number;
  /** Every window, not only the fullest. */
  readonly all: boolean;
}

/** Long enough to tell a tenth from a fifth, short enough for eighty columns. */
const BAR_WIDTH = 20;
const LABEL_WIDTH = 20;
/** Windows shown of an account: what decides is nearly always among the fullest. */
const TELLING = 3;
/** Below this there is no room for pictures. */
const BAR_FROM = 64;

const colours: Readonly<Record<string, Parameters<Paint>[0]>> = { active: 'green', resting: 'yellow', suspended: 'red', disabled: 'dim' };

export function renderStatus(picture: StatusPicture, frame: Frame): string[] {
  const { accounts } = picture;
  const providers = [...new Set(accounts.map(({ provider }) => provider))].sort();
  return [
    heading(picture, frame),
    ...(accounts.length === 0 ? ['no account yet; add one with `tollfree accounts add`'] : []),
    ...providers.flatMap((provider) => ['', frame.paint('bold', clip(oneLine(provider), frame.width))].concat(renderProvider(provider, accounts, frame))),
  ].map((line) => (widthOf(line) > frame.width ? clip(stripVTControlCharacters(line), frame.width) : line));
}

const renderProvider = (provider: string, accounts: readonly AccountStatus[], frame: Frame): string[] =>
  accounts.filter((account) => account.provider === provider).flatMap((account) => renderAccount(account, sharers(account, accounts), frame));

function heading({ address, waiting, traffic, accounts }: StatusPicture, { width, paint }: Frame): string {
  const able = accounts.filter(({ state }) => state === 'active').length;
  const parts = [
    address,
    `${able} of ${plural(accounts.length, 'account')} ready`,
    ...(traffic === undefined ? [] : [plural(traffic.requests, 'request'), `${traffic.perSecond.toFixed(1)}/s`]),
    ...(waiting === 0 ? [] : [`${count(waiting)} waiting in line`]),
  ];
  return paint('dim', clip(parts.join(' · '), width));
}

/** The first account of the same pool, whose windows are the same ones. */
const sharers = ({ id, pool }: AccountStatus, accounts: readonly AccountStatus[]): AccountStatus | undefined => {
  const first = accounts.find((other) => other.pool === pool);
  return first?.id === id ? undefined : first;
};

function renderAccount(account: AccountStatus, sharedWith: AccountStatus | undefined, frame: Frame): string[] {
  const { paint, width } = frame;
  const state = [account.state, ...restTexts(account.rests, frame.now)].join(' · ');
  const label = pad(clip(oneLine(account.label), LABEL_WIDTH), LABEL_WIDTH);
  const head = `  ${label} ${paint(colours[account.state] ?? 'reset', clip(oneLine(state), Math.max(1, width - LABEL_WIDTH - 3)))}`;
  if (sharedWith !== undefined) return [head, paint('dim', clip(`    shares the windows of ${oneLine(sharedWith.label)}`, width))];
  const shown = frame.all ? account.windows : telling(account.windows);
  const rest = account.windows.length - shown.length;
  return [head, ...renderWindows(shown, frame), ...(rest === 0 ? [] : [paint('dim', clip(`    ${plural(rest, shown.length === 0 ? 'window' : 'more window')}${shown.length === 0 ? ', all untouched' : ''}`, width))])];
}

/** Those that will be spent first. */
const telling = (windows: readonly Window[]): readonly Window[] => windows.filter(({ used }) => used > 0).sort((a, b) => b.used / b.limit - a.used / a.limit).slice(0, TELLING);

/** One line of text each: the account's own rests, and those of its models together by their reason. */
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

/** The maker's name before the slash says nothing here that the rest does not. */
const shortModel = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

const windowName = ({ unit, seconds, model }: Window): string => oneLine(`${unit === 'concurrent' ? 'at once' : `${unit}/${span(seconds)}`}${model === undefined ? '' : ` ${shortModel(model)}`}`);

function renderWindows(windows: readonly Window[], { width, paint, now }: Frame): string[] {
  const names = windows.map((window) => windowName(window));
  const numbers = windows.map(({ used, limit }) => `${roughly(used)} of ${roughly(limit)}`);
  const drawn = width >= BAR_FROM;
  const numberWidth = Math.max(0, ...numbers.map((text) => widthOf(text)));
  const nameWidth = Math.min(Math.max(0, ...names.map((text) => widthOf(text))), Math.max(12, width - numberWidth - (drawn ? BAR_WIDTH + 2 : 0) - 28));
  return windows.map((window, index) => {
    const reset = window.resets_at === undefined || window.used === 0 ? '' : `whole in ${duration(Math.max(1000, Date.parse(window.resets_at) - now))}`;
    const cells = [
      pad(clip(names[index] ?? '', nameWidth), nameWidth),
      ...(drawn ? [paintedBar(window.used, window.limit, { width: BAR_WIDTH, paint })] : []),
      pad(numbers[index] ?? '', numberWidth, 'right'),
      paint('dim', reset),
    ];
    return `    ${cells.join('  ')}`.trimEnd();
  });
}
