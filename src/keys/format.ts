/** Virtual keys as JSON: in their file, and as the admin routes take and tell them. */
import { SURFACES, type Surface } from '../types.ts';
import { USER_PERIODS } from './ledger.ts';
import { readLimits, tellLimits } from './limits-format.ts';
import { mistake, readFields, readList, readNumber, readText, readTime, refuseOthers, type Fields } from './read.ts';
import { stateOf, type KeyFile, type SharedLimits, type Terms, type VirtualKey } from './virtual-key.ts';

const TERMS = ['name', 'project', 'models', 'surfaces', 'limits', 'user_limits', 'priority', 'expires_at'] as const;

/** Short enough for a log line, and nothing in it that a glob or a URL would read as something else. */
const NAME = /^[A-Za-z0-9][\w.@-]{0,63}$/;
const NAME_WORDS = 'made of letters, digits and _ . @ -, at most 64, beginning with a letter or digit';

/** Callers without a key go by these. */
const TAKEN: ReadonlySet<string> = new Set(['local', 'admin']);

/** Where a key names no project. */
const DEFAULT_PROJECT = 'default';

/** Throws `invalid-request` with the field. */
export function readTerms(value: unknown): Terms {
  const given = readFields(value, '');
  refuseOthers(given, TERMS);
  const read = <T>(name: (typeof TERMS)[number], reader: (value: unknown, path: string) => T): T | undefined => (given[name] === undefined ? undefined : reader(given[name], name));
  const models = read('models', readModels);
  const surfaces = read('surfaces', (list, path) => readList(list, path, readSurface));
  const priority = read('priority', (number, path) => readNumber(number, path, { least: 0, most: 9 }));
  const expiresAt = read('expires_at', readTime);
  return {
    name: readName(given['name'], 'name'),
    project: read('project', readProject) ?? DEFAULT_PROJECT,
    ...(models !== undefined && { models }),
    ...(surfaces !== undefined && { surfaces }),
    limits: read('limits', readLimits) ?? [],
    userLimits: read('user_limits', (limits, path) => readLimits(limits, path, USER_PERIODS)) ?? [],
    ...(priority !== undefined && { priority }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

/** The fields given replace a key's, and null takes one away. Throws `invalid-request`. */
export function changeTerms(terms: Terms, value: unknown): Terms {
  const changed = { ...tellTerms(terms), ...readFields(value, '') };
  return readTerms(Object.fromEntries(Object.entries(changed).filter(([, field]) => field !== null)));
}

function readName(value: unknown, path: string): string {
  const name = readText(value, path, NAME, NAME_WORDS);
  if (TAKEN.has(name)) throw mistake(path, `must not be ${[...TAKEN].join(' or ')}: callers without a key go by that`);
  return name;
}

const readProject = (value: unknown, path: string): string => readText(value, path, NAME, NAME_WORDS);

const readGlob = (value: unknown, path: string): string => readText(value, path, /^\S{1,256}$/, 'a model name such as auto or groq/*');

function readModels(value: unknown, path: string): readonly string[] {
  const models = readList(value, path, readGlob);
  if (models.length === 0) throw mistake(path, 'must name at least one; leave it out to allow all');
  return models;
}

function readSurface(value: unknown, path: string): Surface {
  const surface = SURFACES.find((known) => known === value);
  if (surface === undefined) throw mistake(path, `must be one of ${SURFACES.join(', ')}`);
  return surface;
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

export const tellTime = (at: number): string => new Date(at).toISOString();

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

/** The scopes given replace those there are, and null takes one away. Throws `invalid-request`. */
export function changeShared(shared: SharedLimits, value: unknown): SharedLimits {
  const given = readFields(value, '');
  refuseOthers(given, ['all', 'projects']);
  const projects = new Map(shared.projects);
  for (const [name, limits] of Object.entries(readFields(given['projects'] ?? {}, 'projects'))) {
    const project = readProject(name, `projects.${name}`);
    if (limits === null) projects.delete(project);
    else projects.set(project, readLimits(limits, `projects.${name}`));
  }
  return { all: given['all'] === undefined ? shared.all : readLimits(given['all'] ?? {}, 'all'), projects };
}

const MORE = ['id', 'digest', 'hint', 'created_at', 'revoked_at'] as const;

export const encodeKeys = ({ keys, shared }: KeyFile): unknown => ({ keys: keys.map(encodeKey), limits: tellShared(shared) });

function encodeKey(key: VirtualKey): Fields {
  const { id, digest, hint, createdAt, revokedAt } = key;
  return { id, digest, hint, created_at: tellTime(createdAt), ...(revokedAt !== undefined && { revoked_at: tellTime(revokedAt) }), ...tellTerms(key) };
}

/** Throws `invalid-request` with what does not fit. */
export function decodeKeys(content: unknown): KeyFile {
  const { keys, limits } = readFields(content, '');
  return { keys: readList(keys, 'keys', decodeKey), shared: changeShared({ all: [], projects: new Map() }, limits) };
}

function decodeKey(value: unknown, path: string): VirtualKey {
  const given = readFields(value, path);
  const terms = Object.fromEntries(Object.entries(given).filter(([name]) => !MORE.some((more) => more === name)));
  return {
    ...readTerms(terms),
    id: readText(given['id'], `${path}.id`, /^key_[0-9a-f]{12}$/, 'an id'),
    digest: readText(given['digest'], `${path}.digest`, /^[\w-]{43}$/, 'a SHA-256 in base64url'),
    hint: readText(given['hint'], `${path}.hint`, /^[\w-]{4}$/, 'four characters'),
    createdAt: readTime(given['created_at'], `${path}.created_at`),
    ...(given['revoked_at'] !== undefined && { revokedAt: readTime(given['revoked_at'], `${path}.revoked_at`) }),
  };
}
