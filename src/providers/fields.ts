/** A body's fields as one provider takes them: what its entry in `config/providers.yaml` says in `omit` and `rename`. */
import type { Provider } from '../types.ts';
import { isRecord } from './json.ts';
import type { Json } from './json.ts';

/** The same object where nothing has to change. */
export function fitted(body: Json, { omit, rename }: Provider): Json {
  const gone = omit.filter((path) => isIn(body, path));
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

/** `field`, or `list.field` for a field of every entry, e.g. `messages.name`. */
const isIn = (body: Json, path: string): boolean => Object.hasOwn(body, path) || path.includes('.');

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
