/**
 * Whole answers on disk, one private file each, for who asks again after a restart.
 *
 * Where a file lies and what opens it both come from the question: without the question nobody finds or reads it, nor
 * can tell from it what was asked. Who can guess the question can. A file's time is when it expires.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../files.ts';
import type { Account, Catalogue, ChatChunk, Clock, Usage } from '../types.ts';
import type { Kept } from './store.ts';

export interface AnswerDiskOptions {
  /** Made at the first answer. */
  readonly directory: string;
  readonly mostBytes: number;
  readonly now: Clock;
  readonly catalogue: () => Catalogue;
  /** Called with the problem when answers can no longer be written, and without one when they can again. */
  readonly onTrouble: (problem: Error | undefined) => void;
}

export interface Found {
  readonly kept: Kept;
  readonly ttlMs: number;
}

export interface AnswerDisk {
  /** Undefined too where the file is bad, or of a model that is no longer known. Never throws. */
  readonly find: (question: string) => Promise<Found | undefined>;
  /** Resolves when it is written, or was not; nobody has to wait. Never throws. */
  readonly keep: (question: string, kept: Kept, ttlMs: number) => Promise<void>;
}

/** A hundred pages; sealing it takes the event loop five milliseconds. */
const LARGEST_BYTES = 2 ** 20;
/** A disk that slow is no help: further answers are not written. 64 MiB at most. */
const MOST_WAITING = 64;
/** Ten thousand files take some milliseconds to look through. */
const SWEEP_MS = 600_000;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What is sealed, and how it is written down. */
const FORM = Buffer.from('tollfree answer 1');

/** A file's form: nonce, sealed JSON, tag. */
interface Written {
  readonly chunks: readonly (Omit<ChatChunk, 'raw'> & { readonly raw?: { readonly contentType: string; readonly base64: string } })[];
  readonly usage?: Usage;
  readonly provider: string;
  readonly model: string;
  readonly account: Account;
  readonly dropped: readonly string[];
  readonly keptAt: number;
}

interface Entry {
  readonly bytes: number;
  readonly expiresAt: number;
}

export function createAnswerDisk({ directory, mostBytes, now, catalogue, onTrouble }: AnswerDiskOptions): AnswerDisk {
  /** Those unused longest first; before a first look at the directory, only our own. */
  const entries = new Map<string, Entry>();
  const state = { bytes: 0, waiting: 0, sweptAt: now(), troubled: false, last: Promise.resolve() };

  const note = (name: string, entry: Entry | undefined): void => {
    state.bytes += (entry?.bytes ?? 0) - (entries.get(name)?.bytes ?? 0);
    entries.delete(name);
    if (entry !== undefined) entries.set(name, entry);
  };
  const forget = async (name: string): Promise<void> => {
    note(name, undefined);
    await rm(join(directory, name), { force: true });
  };

  /** What an earlier process left. */
  const look = async (): Promise<void> => {
    const found: [name: string, entry: Entry][] = [];
    for (const name of await readdir(directory).catch(() => [])) {
      const file = OURS.test(name) ? await stat(join(directory, name)).catch(() => undefined) : undefined;
      if (file !== undefined) found.push([name, { bytes: file.size, expiresAt: name.endsWith(UNFINISHED) ? 0 : file.mtimeMs }]);
    }
    for (const [name, entry] of found.toSorted(([, a], [, b]) => a.expiresAt - b.expiresAt)) if (!entries.has(name)) note(name, entry);
    await sweep();
    await makeRoom();
  };
  const sweep = async (): Promise<void> => {
    state.sweptAt = now();
    for (const [name, { expiresAt }] of entries) if (expiresAt <= state.sweptAt) await forget(name);
  };
  const makeRoom = async (): Promise<void> => {
    for (const [name] of entries) {
      if (state.bytes <= mostBytes) return;
      await forget(name);
    }
  };

  const write = async (name: string, bytes: Buffer, expiresAt: number): Promise<void> => {
    const path = join(directory, name);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(`${path}${UNFINISHED}`, bytes, { mode: 0o600 });
      await utimes(`${path}${UNFINISHED}`, expiresAt / 1000, expiresAt / 1000);
      await rename(`${path}${UNFINISHED}`, path);
      note(name, { bytes: bytes.length, expiresAt });
      if (now() - state.sweptAt > SWEEP_MS) await sweep();
      await makeRoom();
      trouble(undefined);
    } catch (error) {
      await rm(`${path}${UNFINISHED}`, { force: true }).catch(() => undefined);
      trouble(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const trouble = (problem: Error | undefined): void => {
    if (state.troubled === (problem !== undefined)) return;
    state.troubled = problem !== undefined;
    onTrouble(problem);
  };

  state.last = look().catch(() => undefined);

  return {
    async find(question) {
      const { name, key } = placeOf(question);
      const path = join(directory, name);
      try {
        const { size, mtimeMs } = await stat(path);
        if (mtimeMs <= now() || size > LARGEST_BYTES) {
          await forget(name);
          return undefined;
        }
        const kept = keptOf(unseal(await readFile(path), key), catalogue());
        note(name, { bytes: size, expiresAt: mtimeMs });
        return kept && { kept, ttlMs: mtimeMs - now() };
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') await forget(name).catch(() => undefined);
        return undefined;
      }
    },
    async keep(question, kept, ttlMs) {
      if (state.waiting >= MOST_WAITING) return;
      const { name, key } = placeOf(question);
      const bytes = seal(written(kept), key);
      if (bytes.length > Math.min(LARGEST_BYTES, mostBytes)) return;
      const expiresAt = now() + ttlMs;
      state.waiting += 1;
      state.last = state.last.then(() => write(name, bytes, expiresAt));
      await state.last;
      state.waiting -= 1;
    },
  };
}

const UNFINISHED = '.new';
const OURS = /^[\da-f]{32}(?:\.new)?$/;

/** Neither tells the other, and neither tells the question. */
function placeOf(question: string): { readonly name: string; readonly key: Buffer } {
  const derived = (use: string, bytes: number): Buffer => Buffer.from(hkdfSync('sha256', question, '', `tollfree cache ${use}`, bytes));
  return { name: derived('name', 16).toString('hex'), key: derived('key', 32) };
}

function seal(value: Written, key: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(FORM);
  return Buffer.concat([nonce, cipher.update(JSON.stringify(value)), cipher.final(), cipher.getAuthTag()]);
}

/** Throws where a byte is another than was written. */
function unseal(bytes: Buffer, key: Buffer): Written {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES }).setAAD(FORM).setAuthTag(bytes.subarray(-TAG_BYTES));
  return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString()) as Written;
}

function written({ chunks, target, ...rest }: Kept): Written {
  const { usage, account, dropped, keptAt } = rest;
  return {
    chunks: chunks.map(({ raw, ...chunk }) => ({ ...chunk, ...(raw && { raw: { contentType: raw.contentType, base64: Buffer.from(raw.bytes).toString('base64') } }) })),
    provider: target.provider.name,
    model: target.model.name,
    account,
    dropped,
    keptAt,
    ...(usage && { usage }),
  };
}

/** By today's catalogue: prices and names are its own. */
function keptOf({ chunks, provider: providerName, model: modelName, usage, ...same }: Written, { providers }: Catalogue): Kept | undefined {
  const provider = providers.get(providerName);
  const model = provider?.models.find(({ name }) => name === modelName);
  if (provider === undefined || model === undefined) return undefined;
  return {
    ...same,
    usage,
    target: { provider, model },
    chunks: chunks.map(({ raw, ...chunk }) => ({ ...chunk, ...(raw && { raw: { contentType: raw.contentType, bytes: Buffer.from(raw.base64, 'base64') } }) })),
  };
}
