/** The virtual keys there are: found at once, changed durably. */
import { FailureError } from '../failure.ts';
import { refused } from '../schema.ts';
import type { Emit } from '../types.ts';
import { VaultError } from '../vault/errors.ts';
import { createSerially } from '../vault/serial.ts';
import { changeShared, changeTerms, readTerms } from './format.ts';
import { createSecret, digestOf, hintOf, type Randomness } from './secret.ts';
import { createStore } from './store.ts';
import type { KeyFile, SharedLimits, Terms, VirtualKey } from './virtual-key.ts';

export interface KeysOptions {
  /** `keys.json` in the data directory. */
  readonly path: string;
  readonly pid: number;
  readonly now: () => number;
  readonly random: Randomness;
  readonly emit: Emit;
}

/** The secret is in no other answer and nowhere on disk. */
export interface Issued {
  readonly key: VirtualKey;
  readonly secret: string;
}

/**
 * Changes resolve when they are on the disk. They throw `invalid-request` with the field, `not-found`,
 * or `internal` with what the disk refused; then nothing has changed.
 */
export interface Keys {
  /** Whether any key was ever made, revoked ones included. */
  readonly exist: () => boolean;
  /** In any state. */
  readonly find: (secret: string) => VirtualKey | undefined;
  readonly get: (id: string) => VirtualKey | undefined;
  /** Oldest first. */
  readonly list: () => readonly VirtualKey[];
  readonly shared: () => SharedLimits;
  /** `terms` as JSON: `{ name, project, models, surfaces, limits, user_limits, priority, expires_at }`, all but the name optional. */
  readonly create: (terms: unknown) => Promise<Issued>;
  /** Fields given replace the key's; null takes one away. */
  readonly change: (id: string, terms: unknown) => Promise<VirtualKey>;
  /** A new secret; the old one stops working at once. */
  readonly rotate: (id: string) => Promise<Issued>;
  /** For ever. Again is no mistake. */
  readonly revoke: (id: string) => Promise<VirtualKey>;
  /** `{ all: limits, projects: { name: limits } }`; null takes one away. */
  readonly changeShared: (limits: unknown) => Promise<SharedLimits>;
  /** Told of each key that stops working by hand, here or in another process. */
  readonly onRevoked: (listener: (id: string) => void) => void;
  /** Takes over what another process wrote, if it did. Never throws: what works stays as it is. */
  readonly reload: () => Promise<void>;
  /** Reloads every two seconds, until the returned function is called: a key revoked elsewhere is dead within five. */
  readonly follow: () => () => void;
}

interface Snapshot extends KeyFile {
  readonly byDigest: ReadonlyMap<string, VirtualKey>;
  readonly byId: ReadonlyMap<string, VirtualKey>;
}

const EMPTY: KeyFile = { keys: [], shared: { all: [], projects: new Map() } };
const ID_BYTES = 6;
/** One stat of a file: nothing, and half of the five seconds an open stream may outlive its key. */
const RELOAD_MS = 2_000;

/** Throws a VaultError where the file is there and cannot be used: without it nobody knows who may come in. */
export async function openKeys({ path, pid, now, random, emit }: KeysOptions): Promise<Keys> {
  const store = createStore({ path, pid, now, recovered: (problem, setAside) => tell('warn', `${problem}; its backup was taken${setAside === undefined ? '' : `, and the bad one kept as ${setAside}`}`) });
  const serially = createSerially();
  const listeners: ((id: string) => void)[] = [];
  const state: { current: Snapshot } = { current: indexed((await store.read()) ?? EMPTY) };

  function tell(level: 'warn' | 'error', message: string): void {
    emit({ type: 'notice', level, message });
  }

  function adopt(file: KeyFile): void {
    const before = state.current.keys;
    state.current = indexed(file);
    for (const { id, revokedAt } of before) {
      if (revokedAt === undefined && state.current.byId.get(id)?.revokedAt !== undefined) for (const listener of listeners) listener(id);
    }
  }

  /** Reads, changes and writes as one step, whoever else writes. */
  function change<T>(job: (file: KeyFile) => { readonly file: KeyFile; readonly result: T }): Promise<T> {
    return serially(() => store.exclusively(async ({ read, write }) => {
      const { file, result } = job((await read()) ?? state.current);
      // The backup too: out of an older one a revoked key would come back to life.
      await write(file, 'same');
      adopt(file);
      return result;
    })).catch((error: unknown) => {
      throw error instanceof VaultError ? new FailureError({ kind: 'internal', message: error.message + (error.hint === undefined ? '' : `: ${error.hint}`) }, { cause: error }) : error;
    });
  }

  const changeKey = (id: string, job: (key: VirtualKey, others: readonly VirtualKey[]) => VirtualKey): Promise<VirtualKey> =>
    change((file) => {
      const old = file.keys.find((key) => key.id === id);
      if (old === undefined) throw new FailureError({ kind: 'not-found', message: `there is no virtual key ${JSON.stringify(id)}; list them to see their ids` });
      const result = job(old, file.keys.filter((key) => key !== old));
      return { file: { ...file, keys: file.keys.map((key) => (key === old ? result : key)) }, result };
    });

  const newSecret = (): { readonly secret: string; readonly digest: string; readonly hint: string } => {
    const secret = createSecret(random);
    return { secret, digest: digestOf(secret), hint: hintOf(secret) };
  };

  async function reload(): Promise<void> {
    if (!(await store.changed())) return;
    const file = await store.read();
    // A file that vanished under a running daemon must not open its door.
    if (file === undefined) tell('error', `${path} is gone; the keys known stay in force until the next start`);
    else adopt(file);
  }

  const reloadSafely = (): Promise<void> => serially(reload).catch((error: unknown) => tell('error', `${error instanceof Error ? error.message : String(error)}; the keys known stay in force`));

  return {
    exist: () => state.current.keys.length > 0,
    find: (secret) => state.current.byDigest.get(digestOf(secret)),
    get: (id) => state.current.byId.get(id),
    list: () => state.current.keys,
    shared: () => state.current.shared,
    create: async (given) => {
      const terms = readTerms(given);
      const { secret, ...known } = newSecret();
      const key: VirtualKey = { ...terms, ...known, id: `key_${random(ID_BYTES).toString('hex')}`, createdAt: Math.floor(now()) };
      return change((file) => {
        refuseTaken(terms, file.keys);
        refusePast(terms, now());
        return { file: { ...file, keys: [...file.keys, key] }, result: { key, secret } };
      });
    },
    change: (id, given) => changeKey(id, (key, others) => {
      refuseRevoked(key);
      const { digest, hint, createdAt } = key;
      const terms = changeTerms(key, given);
      refuseTaken(terms, others);
      if (terms.expiresAt !== key.expiresAt) refusePast(terms, now());
      return { ...terms, id, digest, hint, createdAt };
    }),
    rotate: async (id) => {
      const { secret, ...known } = newSecret();
      const key = await changeKey(id, (old) => {
        refuseRevoked(old);
        return { ...old, ...known };
      });
      return { key, secret };
    },
    revoke: (id) => changeKey(id, (key) => ({ ...key, revokedAt: key.revokedAt ?? Math.floor(now()) })),
    changeShared: (given) => change((file) => {
      const shared = changeShared(file.shared, given);
      return { file: { ...file, shared }, result: shared };
    }),
    onRevoked: (listener) => void listeners.push(listener),
    reload: reloadSafely,
    follow: () => {
      const timer = setInterval(() => void reloadSafely(), RELOAD_MS).unref();
      return () => clearInterval(timer);
    },
  };
}

function indexed(file: KeyFile): Snapshot {
  return { ...file, byDigest: new Map(file.keys.map((key) => [key.digest, key])), byId: new Map(file.keys.map((key) => [key.id, key])) };
}

function refuseTaken({ name }: Terms, others: readonly VirtualKey[]): void {
  const taken = others.some((key) => key.name === name && key.revokedAt === undefined);
  if (taken) throw refused('name', `is taken: there is a key ${JSON.stringify(name)} already; revoke that one or choose another name`);
}

function refusePast({ expiresAt }: Terms, now: number): void {
  if (expiresAt !== undefined && expiresAt <= now) throw refused('expires_at', 'must be in the future');
}

function refuseRevoked({ revokedAt, name }: VirtualKey): void {
  if (revokedAt !== undefined) throw new FailureError({ kind: 'invalid-request', message: `the key ${JSON.stringify(name)} was revoked, which is for ever; create another` });
}
