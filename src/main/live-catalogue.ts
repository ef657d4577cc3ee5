/**
 * The catalogue in force: the file, and over it what the providers' own lists say they serve today.
 * The lists are kept on disk, so that a start without network knows what the last one learned.
 */
import { readFile } from 'node:fs/promises';
import { createReloading } from '../config/reloading.ts';
import type { ReloadingOptions } from '../config/reloading.ts';
import { failureOf } from '../failure.ts';
import { replaceFile } from '../files.ts';
import type { Inquiry } from '../providers/inquire.ts';
import { mergeModelList } from '../providers/refresh.ts';
import type { Account, Catalogue, Clock, Emit, Provider } from '../types.ts';

export interface LiveCatalogue {
  readonly current: () => Catalogue;
  /** Asks the providers that have an account for their lists, where the known ones have aged. Never throws. */
  readonly refresh: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface LiveCatalogueOptions extends ReloadingOptions<Catalogue> {
  /** Where the lists are kept. */
  readonly cache: string;
  readonly inquiry: Inquiry;
  readonly accounts: () => readonly Account[];
  readonly credentialOf: (account: Account, origin: string) => string;
  readonly refreshMs: number;
  readonly now: Clock;
  readonly emit: Emit;
}

/** A list is of one destination: another `base_url` is another provider, whatever its name. */
type Lists = Record<string, { readonly at: number; readonly baseUrl: string; readonly list: unknown }>;

export async function createLiveCatalogue(options: LiveCatalogueOptions): Promise<LiveCatalogue> {
  const { cache, inquiry, refreshMs, now, emit } = options;
  const lists = await readLists(cache);
  const merge = (provider: Provider): Provider => {
    const known = lists[provider.name];
    return known?.baseUrl === provider.baseUrl ? mergeModelList(provider, known.list, now()) : provider;
  };
  const merged = ({ providers }: Catalogue): Catalogue => ({ providers: new Map([...providers].map(([name, provider]) => [name, merge(provider)])) });
  const file = await createReloading({
    ...options,
    onReload: (value) => {
      state.current = merged(value);
      options.onReload(value);
    },
  });
  const state = { current: merged(file.current()) };

  const ask = async (provider: Provider): Promise<void> => {
    const account = options.accounts().find((one) => one.provider === provider.name && one.enabled);
    const age = now() - (lists[provider.name]?.baseUrl === provider.baseUrl ? (lists[provider.name]?.at ?? 0) : 0);
    if (account === undefined || provider.status === 'retired' || age < refreshMs) return;
    try {
      const list = await inquiry.listModels(provider, options.credentialOf(account, new URL(provider.baseUrl).origin));
      lists[provider.name] = { at: now(), baseUrl: provider.baseUrl, list };
    } catch (error) {
      emit({ type: 'notice', level: 'warn', message: `${provider.name} does not tell its models: ${failureOf(error).message}; the known ones stay` });
    }
  };

  const refresh = async (): Promise<void> => {
    const before = { ...lists };
    const providers = [...file.current().providers.values()];
    await Promise.all(providers.map(ask));
    const changed = providers.filter(({ name }) => lists[name] !== before[name]);
    if (changed.length === 0) return;
    // Providers that told nothing new keep their snapshot, and with it whatever is counted by it.
    const next = new Map(state.current.providers);
    for (const provider of changed) next.set(provider.name, merge(provider));
    state.current = { providers: next };
    try {
      replaceFile(cache, JSON.stringify(lists));
    } catch (error) {
      emit({ type: 'notice', level: 'warn', message: `the model lists cannot be kept in ${cache}: ${error instanceof Error ? error.message : 'unknown'}` });
    }
  };
  const timer = setInterval(() => void refresh(), refreshMs);
  timer.unref();

  return {
    current: () => state.current,
    refresh,
    async close() {
      clearInterval(timer);
      await file.close();
    },
  };
}

/** A cache that cannot be read is only a cache. */
async function readLists(path: string): Promise<Lists> {
  try {
    const lists = JSON.parse(await readFile(path, 'utf8')) as unknown;
    return typeof lists === 'object' && lists !== null && !Array.isArray(lists) ? (lists as Lists) : {};
  } catch {
    return {};
  }
}
