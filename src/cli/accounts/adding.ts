/** One account on its way into the vault: where its key may go, whether it is good, what it shares. */
import { createHttp } from '../../providers/call.ts';
import { createInquiry } from '../../providers/inquire.ts';
import type { Account, Limits, Provider } from '../../types.ts';
import type { NewAccount } from '../../vault/accounts.ts';
import { VaultError } from '../../vault/errors.ts';
import { originOf } from '../../vault/origin.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { count, per, plural } from '../numbers.ts';
import { dailyRequests, sharers } from './capacity.ts';
import { checkKey, type KeyCheck } from './key-check.ts';

/** A key and whose it is to be. */
export interface Candidate {
  /** With the base URL the key is meant for. */
  readonly provider: Provider;
  readonly key: string;
  readonly label?: string;
  readonly organization?: string;
  readonly limits?: Limits;
}

/** The provider as this account is to reach it. Throws where no key may go there. */
export function destined(provider: Provider, baseUrl: string | undefined): Provider {
  if (baseUrl === undefined) return provider;
  originOf(baseUrl);
  return { ...provider, baseUrl: baseUrl.replace(/\/+$/, '') };
}

export const newAccount = ({ provider, ...account }: Candidate): NewAccount => ({ ...account, provider: provider.name, origin: provider.baseUrl });

/** What pastes bring along: spaces, line ends, quotes, `Bearer `, `NAME=`. */
export const cleanKey = (pasted: string): string => pasted.trim().replace(/^(?:export\s+)?[A-Z][A-Z0-9_]*=/, '').replace(/^["'](.*)["']$/, '$1').replace(/^Bearer\s+/i, '');

/** Which provider's keys look like this, by the longest prefix. */
export function recognise(key: string, providers: Iterable<Provider>): Provider | undefined {
  const fitting = [...providers].filter(({ keyPrefix }) => keyPrefix !== undefined && key.startsWith(keyPrefix));
  return fitting.sort((left, right) => (right.keyPrefix?.length ?? 0) - (left.keyPrefix?.length ?? 0))[0];
}

/** A warning where the key looks like somebody else's, or not like this provider's. */
export function doubtAbout(key: string, provider: Provider, providers: Iterable<Provider>): string | undefined {
  if (provider.keyPrefix === undefined ? false : key.startsWith(provider.keyPrefix)) return undefined;
  const like = recognise(key, providers);
  if (like !== undefined && like.name !== provider.name && like.keyPrefix !== 'sk-') return `this looks like a key of ${like.title}, not of ${provider.title}`;
  return provider.keyPrefix === undefined ? undefined : `keys of ${provider.title} usually begin with ${provider.keyPrefix}`;
}

export function refuseDuplicate(vault: Vault, { key, provider }: Candidate): void {
  const holder = vault.holderOf(key, originOf(provider.baseUrl));
  if (holder !== undefined) throw new VaultError('refused', `this key is in the vault already, as ${nameOf(holder)}`, { hint: 'one key is one quota, however often it is added' });
}

export const nameOf = ({ provider, label }: Pick<Account, 'provider' | 'label'>): string => `${provider}/${label}`;

/** Throws where the provider says no, or says nothing. Otherwise its words. */
export function judged({ result, detail }: KeyCheck, { title }: Provider): string {
  if (result === 'refused') throw new CommandError(`${title} refuses the key: ${detail}`, { hint: 'was all of it copied? `--no-check` adds it all the same' });
  if (result === 'unknown') throw new CommandError(`${title} could not be asked about the key: ${detail}`, { hint: 'try again later, or add it unchecked with `--no-check`' });
  return detail;
}

/** Runs with connections of its own and closes them. */
export async function withChecker<T>({ now, stopped }: Context, use: (check: (candidate: Candidate) => Promise<KeyCheck>) => Promise<T>): Promise<T> {
  const http = createHttp({ now, userAgent: 'tollfree' });
  const inquiry = createInquiry({ http, now });
  try {
    return await use((candidate) => checkKey(inquiry, candidate, stopped()));
  } finally {
    await http.close();
  }
}

/** What one more account brings a day. */
export function gain(account: Account, accounts: readonly Account[], provider: Provider): string {
  const [sharer] = sharers(account, accounts, provider);
  if (sharer !== undefined) return `shares one quota with ${nameOf(sharer)}: a spare key, no more requests`;
  const daily = dailyRequests(provider);
  return daily === undefined ? 'its limits are not published; they are learned while it is used' : `up to ${plural(daily, 'request')} a day more`;
}

/** Whose quota a key draws on, in words. */
export function scopeNote({ quotaScope, title }: Provider): string | undefined {
  if (quotaScope === 'account') return undefined;
  if (quotaScope === 'provider') return `${title} counts all calls from one address together: further keys add no quota`;
  return `${title} counts by ${quotaScope}: keys of one ${quotaScope} share its quota`;
}

/** `30 requests/min · 1,000 requests/day`, of all models together or else of each. */
export function limitsLine({ limits, models }: Provider): string {
  const [windows, whose] = limits.windows.length > 0 ? [limits.windows, ''] : [models[0]?.limits.windows ?? [], ' for each model'];
  return windows.length === 0 ? '' : `${windows.map(({ unit, limit, seconds }) => `${count(limit)} ${per(unit, seconds)}`).join(' · ')}${whose}`;
}
