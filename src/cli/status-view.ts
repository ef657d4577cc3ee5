/** Accounts and their windows as lines of text, none wider than the frame. */
import { stripVTControlCharacters } from 'node:util';
import { count, duration, plural } from './numbers.ts';
import type { AccountStatus, Window } from './shapes.ts';
import { renderAccount } from './status/account.ts';
import type { Detail, Frame, StatusPicture } from './status/frame.ts';
import { dayOfAll, renderProvider } from './status/provider.ts';
import { windowName } from './status/windows.ts';
import { clip, oneLine, widthOf } from './text.ts';

/** More accounts than this one by one are a list and no picture any more. */
const FEW = 12;

/** What suits so many accounts, where nobody asked for more. */
export const detailFor = (accounts: number): Detail => (accounts > FEW ? 'providers' : 'accounts');

export function renderStatus(picture: StatusPicture, frame: Frame): string[] {
  const { accounts } = picture;
  const providers = [...new Set(accounts.map(({ provider }) => provider))].toSorted();
  const inFull = (provider: string, own: readonly AccountStatus[]): string[] => [frame.paint('bold', clip(oneLine(provider), frame.width)), ...own.flatMap((account) => renderAccount(account, accounts, frame))];
  return [
    ...headings(picture, frame),
    ...(accounts.length === 0 ? ['no account yet; add one with `tollfree accounts add`'] : []),
    ...providers.flatMap((provider) => {
      const own = accounts.filter((account) => account.provider === provider);
      return ['', ...(frame.detail === 'providers' ? renderProvider(provider, own, frame) : inFull(provider, own))];
    }),
    ...(frame.detail === 'providers' && accounts.length > 0 ? ['', frame.paint('dim', clip('--all shows every account and window, a provider’s name only its own', frame.width))] : []),
  ].map((line) => (widthOf(line) > frame.width ? clip(stripVTControlCharacters(line), frame.width) : line));
}

function headings(picture: StatusPicture, { width, paint, now }: Frame): string[] {
  const next = firstSpent(picture.accounts);
  return [
    paint('dim', clip(factsOf(picture).join(' · '), width)),
    ...troublesOf(picture).map((text) => paint('red', clip(oneLine(text), width))),
    ...today(picture).map((text) => clip(text, width)),
    ...(next === undefined ? [] : [paint('yellow', clip(`at this pace ${oneLine(next.account.provider)}/${oneLine(next.account.label)} has spent its ${windowName(next.window)} in ${duration(next.at - now)}`, width))]),
  ];
}

function factsOf({ address, waiting, traffic, accounts, health }: StatusPicture): string[] {
  const able = accounts.filter(({ state }) => state === 'active').length;
  return [
    address,
    `${able} of ${plural(accounts.length, 'account')} ready`,
    ...(traffic === undefined ? [] : [plural(traffic.requests, 'request'), `${traffic.perSecond.toFixed(1)}/s`, ...(traffic.failed === 0 ? [] : [`${count(traffic.failed)} failed`])]),
    ...(waiting === 0 ? [] : [`${count(waiting)} waiting in line`]),
    ...(health?.workers === undefined || health.workers.running < health.workers.wanted ? [] : [plural(health.workers.running, 'worker')]),
  ];
}

/** Why nobody is answered, what cannot be written down, and how many processes take connections, where these are several. */
function troublesOf({ health }: StatusPicture): string[] {
  if (health === undefined) return [];
  const { reason, problems, workers } = health;
  return [...(reason === undefined ? [] : [`nobody is answered: ${reason}`]), ...problems.map(({ message }) => message), ...(workers === undefined || workers.running >= workers.wanted ? [] : [workersText(workers)])];
}

const workersText = ({ wanted, running }: NonNullable<NonNullable<StatusPicture['health']>['workers']>): string => `${count(running)} of ${plural(wanted, 'worker')} run`;

/** What the accounts that may serve have left of the day, as the dashboard has it. */
function today({ accounts }: StatusPicture): string[] {
  const day = dayOfAll(accounts);
  return day === undefined ? [] : [`${count(day.limit - day.used)} of ${count(day.limit)} ${day.unit} left today`];
}

interface Spent {
  readonly account: AccountStatus;
  readonly window: Window;
  readonly at: number;
}

const LONG_SECONDS = 3600;

/** The forecast of the day. A minute that will be spent is whole again before anybody has read so. */
function firstSpent(accounts: readonly AccountStatus[]): Spent | undefined {
  return accounts
    .flatMap((account) => account.windows.map((window): Spent => ({ account, window, at: Date.parse(window.empty_at ?? '') })))
    .filter(({ window, at }) => window.seconds > LONG_SECONDS && Number.isFinite(at))
    .toSorted((a, b) => a.at - b.at)[0];
}
