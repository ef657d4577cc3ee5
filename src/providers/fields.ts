/** A body's fields as one provider takes them: what its entry in `config/providers.yaml` says in `omit` and `rename`. */
import { FailureError } from '../failure.ts';
import type { Provider } from '../types.ts';
import { isRecord } from './json.ts';
import type { Json } from './json.ts';

/** Without these a client would look in vain for what it asked to be told: they are not left out, but asked of somebody else. */
const LOOKED_FOR: ReadonlySet<string> = new Set(['logprobs', 'top_logprobs']);

/** The same object where nothing has to change. Throws a FailureError where what cannot be asked changes the answer. */
export function fitted(body: Json, { omit, rename }: Provider): Json {
  const gone = omit.filter((path) => isIn(body, path));
  const missed = gone.find((field) => LOOKED_FOR.has(field) && Boolean(body[field]));
  if (missed !== undefined) throw notTaken(missed, `the field ${missed}`);
  const moved = Object.entries(rename).filter(([from]) => Object.hasOwn(body, from));
  if (gone.length === 0 && moved.length === 0) return body;
  const fit: Record<string, unknown> = { ...body };
  for (const path of gone) leaveOut(fit, path);
  for (const [from, to] of moved) {
    if (!Object.hasOwn(fit, from)) continue;
    fit[to] ??= fit[from];
    delete fit[from];
  }
  return fit;
}

/** What another provider may take: the request goes there, or is told by name. Nothing was sent. */
export function notTaken(param: string, what: string): FailureError {
  return new FailureError({ kind: 'caller', capability: true, unsent: true, param, message: `this model's provider does not take ${what}` });
}

/** `field`, or `list.field` for a field of every entry, e.g. `messages.name`. */
function isIn(body: Json, path: string): boolean {
  const [field = '', inner] = path.split('.');
  if (inner === undefined) return Object.hasOwn(body, field);
  const list = body[field];
  return Array.isArray(list) && list.some((entry: unknown) => isRecord(entry) && Object.hasOwn(entry, inner));
}

/** What is reached through a list is copied first. */
function leaveOut(body: Record<string, unknown>, path: string): void {
  const [field = '', inner] = path.split('.');
  const list = body[field];
  if (inner === undefined) delete body[field];
  else if (Array.isArray(list)) body[field] = list.map((entry: unknown) => (isRecord(entry) && Object.hasOwn(entry, inner) ? without(entry, inner) : entry));
}

function without(entry: Json, field: string): Json {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== field));
}
