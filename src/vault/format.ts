/**
 * What a vault file says, and the bounds on what it may demand of its reader. docs/vault-format.md tells it in words.
 */
import { UNITS } from '../types.ts';
import type { Limits, WindowLimit } from '../types.ts';
import { VaultError } from './errors.ts';
import { randomId, SEAL_BYTES, KEY_BYTES, type Cost } from './primitives.ts';
import { fields, flag, integer, list, oneOf, optional, text } from './shape.ts';

export const FORMAT = 'tollfree-vault';
export const VERSION = 1;

/** 10,000 accounts with long labels and limits fit; reading more would hold the event loop for a noticeable time. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
export const MAX_RECORDS = 10_000;
/** Each passphrase slot may have to be tried, at half a second each. */
export const MAX_SLOTS = 8;
/** Two while rotating would do; the slab that holds them has room for these. */
export const MAX_DATA_KEYS = 8;

/** RFC 9106's second recommendation with four times its memory: 0.5 s and 256 MiB on a 2020s machine. */
export const DEFAULT_COST: Cost = { ops: 3, memoryKiB: 256 * 1024 };
/** OWASP's minimum, 13 ms: a file that asks for less was not made by us. */
export const MIN_COST: Cost = { ops: 2, memoryKiB: 19 * 1024 };
/** Some 6 s: a file that asks for more wants to stop us, not to protect itself. */
export const MAX_COST: Cost = { ops: 10, memoryKiB: 1024 * 1024 };

export type Slot =
  | { readonly kind: 'passphrase'; readonly id: string; readonly salt: string; readonly ops: number; readonly memoryKiB: number; readonly sealed: string }
  | { readonly kind: 'key'; readonly id: string; readonly sealed: string };

export interface DataKey {
  readonly id: string;
  readonly sealed: string;
}

export interface StoredAccount {
  readonly id: string;
  readonly provider: string;
  readonly label: string;
  readonly organization?: string;
  readonly limits?: Limits;
  readonly enabled: boolean;
  readonly origin: string;
  /** Epoch milliseconds. */
  readonly addedAt: number;
  /** Which data key sealed the credential. */
  readonly dataKey: string;
  readonly sealed: string;
}

export interface VaultContent {
  readonly id: string;
  /** One more with every change. */
  readonly epoch: number;
  /** Names the root key, so that a new root is not mistaken for tampering. */
  readonly root: string;
  readonly slots: readonly Slot[];
  /** The last one seals what is new. */
  readonly keyring: readonly DataKey[];
  readonly accounts: readonly StoredAccount[];
  /** BLAKE2b-256 of everything else, under a subkey of the root key. */
  readonly check: string;
}

/** An id is 128 bits in base64url. */
export const newId = randomId;

const ID = /^[\w-]{22}$/;
const HASH = /^[\w-]{43}$/;
const SEALED_KEY = new RegExp(`^[\\w-]{${Math.ceil(((SEAL_BYTES + KEY_BYTES) * 4) / 3)}}$`);
/** 4,096 bytes of credential: the longest in the field, signed tokens, stay under half of it. */
const MAX_CREDENTIAL_BYTES = 4096;
const SEALED = new RegExp(`^[\\w-]{${Math.ceil(((SEAL_BYTES + 1) * 4) / 3)},${Math.ceil(((SEAL_BYTES + MAX_CREDENTIAL_BYTES) * 4) / 3)}}$`);

/** Labels go into a header, a metric and a command line as they are; `/` divides provider and label. */
export const LABEL = /^[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}$/;
export const PROVIDER = /^[a-z0-9][a-z0-9_-]{0,63}$/;
export const ORGANIZATION = /^[^\p{C}]{1,128}$/u;
const ORIGIN = /^https?:\/\/[^/\s]{1,255}$/;
const TIME_ZONE = /^[A-Za-z0-9_+/-]{1,64}$/;

/** Throws `damaged` with the first field that does not fit. */
export function decodeContent(content: unknown): VaultContent {
  const read = fields(content, '', ['id', 'epoch', 'root', 'slots', 'keyring', 'accounts', 'check']);
  const keyring = list(read['keyring'], 'keyring', MAX_DATA_KEYS, decodeDataKey);
  if (keyring.length === 0) throw new VaultError('damaged', 'keyring must hold a key');
  return {
    id: text(read['id'], 'id', ID),
    epoch: integer(read['epoch'], 'epoch', 1, Number.MAX_SAFE_INTEGER - 1),
    root: text(read['root'], 'root', ID),
    slots: list(read['slots'], 'slots', MAX_SLOTS, decodeSlot),
    keyring,
    accounts: list(read['accounts'], 'accounts', MAX_RECORDS, decodeAccount),
    check: text(read['check'], 'check', HASH),
  };
}

function decodeSlot(value: unknown, path: string): Slot {
  const read = fields(value, path, ['kind', 'id', 'salt', 'ops', 'memoryKiB', 'sealed']);
  const common = { id: text(read['id'], `${path}.id`, ID), sealed: text(read['sealed'], `${path}.sealed`, SEALED_KEY) };
  if (text(read['kind'], `${path}.kind`, /^(passphrase|key)$/) === 'key') {
    fields(value, path, ['kind', 'id', 'sealed']);
    return { kind: 'key', ...common };
  }
  return {
    kind: 'passphrase',
    ...common,
    salt: text(read['salt'], `${path}.salt`, ID),
    ops: integer(read['ops'], `${path}.ops`, MIN_COST.ops, MAX_COST.ops),
    memoryKiB: integer(read['memoryKiB'], `${path}.memoryKiB`, MIN_COST.memoryKiB, MAX_COST.memoryKiB),
  };
}

function decodeDataKey(value: unknown, path: string): DataKey {
  const read = fields(value, path, ['id', 'sealed']);
  return { id: text(read['id'], `${path}.id`, ID), sealed: text(read['sealed'], `${path}.sealed`, SEALED_KEY) };
}

function decodeAccount(value: unknown, path: string): StoredAccount {
  const read = fields(value, path, ['id', 'provider', 'label', 'organization', 'limits', 'enabled', 'origin', 'addedAt', 'dataKey', 'sealed']);
  const organization = optional(read['organization'], (value) => text(value, `${path}.organization`, ORGANIZATION));
  const limits = optional(read['limits'], (value) => decodeLimits(value, `${path}.limits`));
  return {
    id: text(read['id'], `${path}.id`, ID),
    provider: text(read['provider'], `${path}.provider`, PROVIDER),
    label: text(read['label'], `${path}.label`, LABEL),
    ...(organization !== undefined && { organization }),
    ...(limits !== undefined && { limits }),
    enabled: flag(read['enabled'], `${path}.enabled`),
    origin: text(read['origin'], `${path}.origin`, ORIGIN),
    addedAt: integer(read['addedAt'], `${path}.addedAt`, 0, Number.MAX_SAFE_INTEGER),
    dataKey: text(read['dataKey'], `${path}.dataKey`, ID),
    sealed: text(read['sealed'], `${path}.sealed`, SEALED),
  };
}

const TRILLION = 1e12;

export function decodeLimits(value: unknown, path: string): Limits {
  const read = fields(value, path, ['windows', 'concurrent']);
  const concurrent = optional(read['concurrent'], (value) => integer(value, `${path}.concurrent`, 1, TRILLION));
  return { windows: list(read['windows'], `${path}.windows`, 32, decodeWindow), ...(concurrent !== undefined && { concurrent }) };
}

function decodeWindow(value: unknown, path: string): WindowLimit {
  const read = fields(value, path, ['unit', 'limit', 'seconds', 'kind', 'timeZone']);
  const kind = text(read['kind'], `${path}.kind`, /^(rolling|refill|calendar)$/);
  const timeZone = optional(read['timeZone'], (value) => text(value, `${path}.timeZone`, TIME_ZONE));
  return {
    unit: oneOf(UNITS, read['unit'], `${path}.unit`),
    limit: integer(read['limit'], `${path}.limit`, 0, TRILLION),
    seconds: integer(read['seconds'], `${path}.seconds`, 1, 366 * 86_400),
    kind: kind === 'rolling' || kind === 'refill' ? kind : 'calendar',
    ...(timeZone !== undefined && { timeZone }),
  };
}
