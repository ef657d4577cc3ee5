/** Catalogue, rules, keys and accounts as the owner has them: told anew whenever one is another, and held here. */
import { providersOf } from '../main/engine.ts';
import { compileRules } from '../routing/classify.ts';
import type { RuleSet } from '../routing/classify.ts';
import type { Keys } from '../keys/keys.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import type { Account, Catalogue, Provider, Rules } from '../types.ts';
import type { State, ToWorker } from './messages.ts';

export interface Snapshots {
  readonly adopt: (state: State) => void;
  readonly catalogue: () => Catalogue;
  readonly rules: () => RuleSet;
  /** Whether any rule keeps answers. */
  readonly caching: () => boolean;
  readonly keys: Pick<Keys, 'exist' | 'find' | 'get'>;
  readonly account: (id: string) => Account | undefined;
  readonly accountsOf: (provider: string) => readonly Account[];
  readonly usable: (provider: Provider) => boolean;
}

const NOBODY: readonly Account[] = [];

/** `digestOf`: of a key's secret. */
export function createSnapshots(digestOf: (secret: string) => string): Snapshots {
  const state = {
    catalogue: { providers: new Map() } as Catalogue,
    rules: compileRules({ rules: [], defaultRule: '' }),
    caching: false,
    keysExist: false,
    byDigest: new Map<string, VirtualKey>(),
    byId: new Map<string, VirtualKey>(),
    accounts: new Map<string, Account>(),
    byProvider: new Map<string, readonly Account[]>(),
    usable: new Set<string>() as ReadonlySet<string>,
  };
  return {
    adopt({ providers, rules, keys, accounts }) {
      if (providers !== undefined) state.catalogue = { providers: new Map(providers.map((provider) => [provider.name, provider])) };
      if (rules !== undefined) Object.assign(state, { rules: compileRules(rules), caching: rules.rules.some(({ cache }) => cache !== undefined) });
      if (keys !== undefined) Object.assign(state, { keysExist: keys.length > 0, byDigest: new Map(keys.map((key) => [key.digest, key])), byId: new Map(keys.map((key) => [key.id, key])) });
      if (accounts !== undefined) {
        state.accounts = new Map(accounts.map((account) => [account.id, account]));
        state.byProvider = new Map([...new Set(accounts.map(({ provider }) => provider))].map((name) => [name, accounts.filter(({ provider }) => provider === name)]));
        state.usable = providersOf(accounts);
      }
    },
    catalogue: () => state.catalogue,
    rules: () => state.rules,
    caching: () => state.caching,
    keys: { exist: () => state.keysExist, find: (secret) => state.byDigest.get(digestOf(secret)), get: (id) => state.byId.get(id) },
    account: (id) => state.accounts.get(id),
    accountsOf: (provider) => state.byProvider.get(provider) ?? NOBODY,
    usable: ({ name }) => state.usable.has(name),
  };
}

export interface SnapshotSources {
  readonly catalogue: () => Catalogue;
  readonly rules: () => Rules;
  readonly keys: () => readonly VirtualKey[];
  /** The same list until one is another. */
  readonly holders: () => readonly Account[];
}

/** Tells one worker what is another since it was last told. */
export function createTelling(sources: SnapshotSources, post: (message: ToWorker) => void): () => void {
  const told: { catalogue?: Catalogue; rules?: Rules; keys?: readonly VirtualKey[]; accounts?: readonly Account[] } = {};
  return () => {
    const [catalogue, rules, keys, accounts] = [sources.catalogue(), sources.rules(), sources.keys(), sources.holders()];
    if (catalogue === told.catalogue && rules === told.rules && keys === told.keys && accounts === told.accounts) return;
    post({
      type: 'state',
      ...(catalogue !== told.catalogue && { providers: [...catalogue.providers.values()] }),
      ...(rules !== told.rules && { rules }),
      ...(keys !== told.keys && { keys }),
      ...(accounts !== told.accounts && { accounts }),
    });
    Object.assign(told, { catalogue, rules, keys, accounts });
  };
}
