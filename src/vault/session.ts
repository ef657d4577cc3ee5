/**
 * Absent, locked or unlocked: the one place that moves between them, and the one way to change the file.
 *
 * The file on disk is the truth. A change takes the lock, reads the file again, checks it, edits it and writes it
 * whole, so several processes can change one vault and none loses what another did.
 */
import type { Backup } from './durable-write.ts';
import { createEpochFile } from './epoch.ts';
import { VaultError } from './errors.ts';
import { decodeContent, FORMAT, MAX_FILE_BYTES, newId, VERSION, type Slot, type VaultContent } from './format.ts';
import { found, sealed, type Draft } from './founding.ts';
import { withScratch } from './guarded-memory.ts';
import { openKeyring, sameCheck, type Keyring } from './keyring.ts';
import { createLockedFile } from './locked-file.ts';
import { hash, KEY_BYTES, sameHash, type Cost } from './primitives.ts';
import type { Secret } from './secret.ts';
import { createSerially } from './serial.ts';
import { isCheap, makeSlot, openSlots } from './slots.ts';

export interface SessionOptions {
  readonly file: string;
  readonly pid: number;
  readonly now: () => number;
  readonly notice: (message: string) => void;
  readonly cost: Cost;
}

export interface Unlocked {
  readonly at: 'unlocked';
  readonly content: VaultContent;
  readonly keyring: Keyring;
  /** The highest epoch ever seen of this vault. */
  readonly seen: number;
}
export type State = { readonly at: 'absent' } | { readonly at: 'locked'; readonly content: VaultContent } | Unlocked;

/** What a change makes of the vault. */
export interface Change {
  readonly draft: Draft;
  /** Where the root or data keys are new. */
  readonly keyring?: Keyring;
  readonly backup?: Backup;
}

export interface Session {
  readonly state: () => State;
  /** Throws `locked`. */
  readonly unlocked: () => Unlocked;
  readonly create: (secrets: readonly Secret[]) => Promise<void>;
  readonly unlock: (secret: Secret) => Promise<void>;
  readonly lock: () => void;
  readonly reload: () => Promise<boolean>;
  readonly change: (edit: (now: Unlocked) => Change | Promise<Change>) => Promise<void>;
}

export function createSession({ file, pid, now, notice, cost }: SessionOptions): Session {
  const serially = createSerially();
  const epochs = createEpochFile(`${file}.epoch`);
  const store = createLockedFile<VaultContent>({
    path: file,
    format: FORMAT,
    version: VERSION,
    maxBytes: MAX_FILE_BYTES,
    encode: (content) => content,
    decode: decodeContent,
    lock: 'vault',
    pid,
    now,
    recovered: (problem, aside) => {
      notice(`${problem.message}: took its backup, which may lack the last change${aside === undefined ? '' : `; the bad file is now ${aside}`}`);
    },
  });
  let state: State = { at: 'absent' };

  const become = (next: State): void => {
    if (state.at === 'unlocked' && !(next.at === 'unlocked' && next.keyring === state.keyring)) state.keyring.wipe();
    state = next;
  };
  const unlocked = (): Unlocked => {
    if (state.at === 'unlocked') return state;
    throw state.at === 'absent' ? missing(file) : locked();
  };
  /** For what may fail without harm to what was asked for. */
  const orTell = (job: Promise<void>, consequence: string): Promise<void> =>
    job.catch((error: unknown) => {
      if (!(error instanceof VaultError)) throw error;
      notice(`${error.message}: ${consequence}`);
    });
  const remember = (keyring: Keyring, epoch: number): Promise<void> => orTell(epochs.write(keyring, epoch), 'an older vault put in place of this one may go unnoticed');

  /** Takes over what another process wrote, if it holds the same root key. */
  const refresh = (content: VaultContent): State => {
    if (state.at !== 'unlocked' || content.id !== state.content.id || content.root !== state.content.root) become({ at: 'locked', content });
    else {
      verify(content, state.keyring);
      notOlder(content, state.seen);
      if (content.check !== state.content.check) become({ at: 'unlocked', content, keyring: keyringOf(content, state), seen: Math.max(state.seen, content.epoch) });
    }
    return state;
  };

  const change: Session['change'] = (edit) =>
    serially(() =>
      store.exclusively(async ({ read, write }) => {
        unlocked();
        const loaded = await read();
        if (loaded === undefined) throw missing(file);
        refresh(loaded);
        const before = unlocked();
        const { draft, keyring = before.keyring, backup } = await edit(before);
        const epoch = Math.max(before.seen, await epochs.read(before.keyring)) + 1;
        // Locked meanwhile: the keys are zeros now, and nothing may be sealed with those.
        if (state !== before) throw locked();
        const content = sealed(draft, epoch, keyring);
        await write(content, backup).catch((error: unknown) => {
          if (keyring !== before.keyring) keyring.wipe();
          throw error;
        });
        const stillOpen = state === before;
        become(stillOpen ? { at: 'unlocked', content, keyring, seen: epoch } : { at: 'locked', content });
        if (stillOpen) await remember(keyring, epoch);
        else keyring.wipe();
      }),
    );

  /** Which slot the secret opened. */
  const open = async (secret: Secret): Promise<Slot> => {
    const content = await store.read();
    if (content === undefined) throw missing(file);
    return withScratch(KEY_BYTES, async (root) => {
      const slot = await openSlots(content.id, content.slots, secret, root);
      const keyring = openKeyring(content.id, root, content.keyring);
      try {
        verify(content, keyring);
        const seen = await epochs.read(keyring);
        notOlder(content, seen);
        if (content.epoch < seen) notice('the last change to the vault is missing: its backup, or a copy one change older, is in its place');
        if (seen === 0 && content.epoch > 1) notice(`nothing remembers how new ${file} should be: an older copy could not be told`);
        if (seen < content.epoch) await orTell(store.exclusively(() => remember(keyring, content.epoch)), 'an older vault put in place of this one may go unnoticed');
        become({ at: 'unlocked', content, keyring, seen: Math.max(seen, content.epoch) });
      } catch (error) {
        keyring.wipe();
        throw error;
      }
      return slot;
    });
  };

  const raise = (cheap: Slot, secret: Secret): Promise<void> =>
    orTell(
      change(async ({ content, keyring }) => {
        const dearer = await withRoot(keyring, (root) => makeSlot(content.id, root, secret, cost));
        return { draft: { ...content, slots: content.slots.map((slot) => (slot.id === cheap.id ? dearer : slot)) }, backup: 'same' };
      }),
      'the passphrase stays as cheap to guess as it was',
    );

  return {
    state: () => state,
    unlocked,
    change,
    lock: () => {
      if (state.at === 'unlocked') become({ at: 'locked', content: state.content });
    },
    unlock: async (secret) => {
      const slot = await serially(() => open(secret));
      if (isCheap(slot, cost)) await raise(slot, secret);
    },
    reload: () =>
      serially(async () => {
        const before = state;
        const loaded = await store.read();
        if (loaded !== undefined) return contentOf(refresh(loaded)) !== contentOf(before);
        if (before.at === 'absent') return false;
        throw missing(file);
      }),
    create: (secrets) =>
      serially(() =>
        store.exclusively(async ({ read, write }) => {
          if ((await read()) !== undefined) throw new VaultError('exists', `${file} exists already`);
          const { draft, keyring } = await found({ id: newId(), secrets, cost });
          const content = sealed(draft, 1, keyring);
          await write(content);
          become({ at: 'unlocked', content, keyring, seen: content.epoch });
          await remember(keyring, content.epoch);
        }),
      ),
  };
}

const missing = (file: string): VaultError => new VaultError('missing', `there is no vault at ${file}`, { hint: 'npm run setup makes one' });

const locked = (): VaultError => new VaultError('locked', 'the vault is locked', { hint: 'unlock it first' });

const contentOf = (state: State): string | undefined => (state.at === 'absent' ? undefined : state.content.check);

export function withRoot<T>(keyring: Keyring, use: (root: Buffer) => T | Promise<T>): Promise<T> {
  return withScratch(KEY_BYTES, (root) => {
    keyring.copyRoot(root);
    return use(root);
  });
}

/** Throws `tampered`. */
export function verify({ check, ...content }: VaultContent, keyring: Keyring): void {
  if (sameCheck(check, keyring.check(content))) return;
  throw new VaultError('tampered', 'the vault was changed by someone who does not hold its key: accounts may have been added, removed, swapped or edited', { hint: 'compare it with its .bak and restore the one you trust' });
}

/**
 * One change behind is what a backup is when it had to stand in, and that was told. Whoever can damage the file could
 * bring that about anyway; more than one is an old copy.
 */
function notOlder({ epoch }: VaultContent, seen: number): void {
  if (epoch >= seen - 1) return;
  throw new VaultError('rolled-back', `the vault is older than it was: change ${epoch}, where ${seen} was seen`, { hint: 'put the newest copy back; to accept an older one on purpose, delete the .epoch file beside it' });
}

/** Another process may have rotated the data keys under the same root. */
function keyringOf(content: VaultContent, { content: before, keyring }: Unlocked): Keyring {
  if (sameHash(hash(content.keyring), hash(before.keyring))) return keyring;
  const root = Buffer.alloc(KEY_BYTES);
  try {
    keyring.copyRoot(root);
    return openKeyring(content.id, root, content.keyring);
  } finally {
    root.fill(0);
  }
}
