/** Virtual keys as JSON: in their file, and as the admin routes take and tell them. */
import { z } from 'zod';
import { check, moment, whole } from '../schema.ts';
import { SURFACES } from '../types.ts';
import { USER_PERIODS } from './ledger.ts';
import { limitsOf, tellLimits } from './limits-format.ts';
import { stateOf, type KeyFile, type SharedLimits, type Terms, type VirtualKey } from './virtual-key.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Short enough for a log line, and nothing in it that a glob or a URL would read as something else. */
const NAME = /^[A-Za-z0-9][\w.@-]{0,63}$/;
const NAME_WORDS = 'must be made of letters, digits and _ . @ -, at most 64, beginning with a letter or digit';

/** Callers without a key go by these. */
const TAKEN: ReadonlySet<string> = new Set(['local', 'admin']);

const plainName = z.string({ error: NAME_WORDS }).regex(NAME, NAME_WORDS);
const limits = limitsOf();
const surface = z.enum(SURFACES);
const glob = z.string().regex(/^\S{1,256}$/, 'must be a model name such as auto or groq/*');

const terms = z.strictObject({
  name: plainName.refine((name) => !TAKEN.has(name), `must not be ${[...TAKEN].join(' or ')}: callers without a key go by that`),
  project: plainName.default('default'),
  models: z.array(glob).min(1, 'must name at least one; leave it out to allow all').describe('Globs over model names. Absent: all.').exactOptional(),
  surfaces: z.array(surface).describe('Absent: all.').exactOptional(),
  limits: limits.prefault({}),
  user_limits: limitsOf(USER_PERIODS).describe('Of each `user` that requests name; `safety_identifier` and `metadata.user_id` name one, too.').prefault({}),
  priority: whole(0, 9).describe('The most urgent place in line it may ask for.').exactOptional(),
  expires_at: moment.exactOptional(),
});

/** A virtual key to be made. */
export const newKey = terms;
/** Fields given replace a key's, and null takes one away. */
export const keyChange = z.strictObject(Object.fromEntries(Object.entries(terms.shape).map(([name, schema]) => [name, schema.nullish()])));
/** Scopes given replace those there are, and null takes one away. */
export const sharedChange = z.strictObject({ all: limits.nullish(), projects: z.record(plainName, limits.nullable()).exactOptional() });

const stored = terms.extend({
  id: z.string().regex(/^key_[0-9a-f]{12}$/, 'must be an id'),
  digest: z.string().regex(/^[\w-]{43}$/, 'must be a SHA-256 in base64url'),
  hint: z.string().regex(/^[\w-]{4}$/, 'must be four characters'),
  created_at: moment,
  revoked_at: moment.exactOptional(),
});
const file = z.object({ keys: z.array(stored), limits: sharedChange });

/** Throws `invalid-request` with the field. */
export const readTerms = (sent: unknown): Terms => termsOf(check(newKey, sent));

function termsOf({ user_limits: userLimits, expires_at: expiresAt, ...same }: z.output<typeof terms>): Terms {
  return { ...same, userLimits, ...(expiresAt !== undefined && { expiresAt }) };
}

/** Throws `invalid-request` with the field. */
export function changeTerms(before: Terms, sent: unknown): Terms {
  check(keyChange, sent);
  const changed = { ...tellTerms(before), ...(sent as Fields) };
  return readTerms(Object.fromEntries(Object.entries(changed).filter(([, field]) => field !== null)));
}

function tellTerms({ name, project, models, surfaces, limits, userLimits, priority, expiresAt }: Terms): Fields {
  return {
    name,
    project,
    ...(models && { models }),
    ...(surfaces && { surfaces }),
    limits: tellLimits(limits),
    ...(userLimits.length > 0 && { user_limits: tellLimits(userLimits) }),
    ...(priority !== undefined && { priority }),
    ...(expiresAt !== undefined && { expires_at: tellTime(expiresAt) }),
  };
}

const tellTime = (at: number): string => new Date(at).toISOString();

/** As operators see it: never the digest. */
export function tellKey(key: VirtualKey, now: number): Fields {
  const { id, hint, createdAt, revokedAt } = key;
  return {
    id,
    state: stateOf(key, now),
    hint: `tf-…${hint}`,
    ...tellTerms(key),
    created_at: tellTime(createdAt),
    ...(revokedAt !== undefined && { revoked_at: tellTime(revokedAt) }),
  };
}

export function tellShared({ all, projects }: SharedLimits): Fields {
  return { all: tellLimits(all), projects: Object.fromEntries([...projects].map(([name, limits]) => [name, tellLimits(limits)])) };
}

/** Throws `invalid-request` with the field. */
export const changeShared = (shared: SharedLimits, sent: unknown): SharedLimits => applyShared(shared, check(sharedChange, sent));

function applyShared(shared: SharedLimits, { all, projects: changed = {} }: z.output<typeof sharedChange>): SharedLimits {
  const projects = new Map(shared.projects);
  for (const [name, given] of Object.entries(changed)) {
    if (given === null) projects.delete(name);
    else projects.set(name, given);
  }
  return { all: all === undefined ? shared.all : (all ?? []), projects };
}

export const encodeKeys = ({ keys, shared }: KeyFile): unknown => ({ keys: keys.map(encodeKey), limits: tellShared(shared) });

function encodeKey(key: VirtualKey): Fields {
  const { id, digest, hint, createdAt, revokedAt } = key;
  return { id, digest, hint, created_at: tellTime(createdAt), ...(revokedAt !== undefined && { revoked_at: tellTime(revokedAt) }), ...tellTerms(key) };
}

/** Throws `invalid-request` with what does not fit. */
export function decodeKeys(content: unknown): KeyFile {
  const { keys, limits: shared } = check(file, content);
  return { keys: keys.map(decodeKey), shared: applyShared({ all: [], projects: new Map() }, shared) };
}

function decodeKey({ id, digest, hint, created_at: createdAt, revoked_at: revokedAt, ...given }: z.output<typeof stored>): VirtualKey {
  return { ...termsOf(given), id, digest, hint, createdAt, ...(revokedAt !== undefined && { revokedAt }) };
}
