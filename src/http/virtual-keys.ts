/** `/admin/virtual-keys`: the operator's routes for virtual keys. Whoever gets here has passed the admin guard. */
import { Router, type Request } from 'express';
import { FailureError } from '../failure.ts';
import type { Admission } from '../keys/admission.ts';
import { tellKey, tellShared } from '../keys/format.ts';
import type { Issued, Keys } from '../keys/keys.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import { readJson } from './body.ts';

export interface VirtualKeyOptions {
  readonly keys: Keys;
  readonly admission: Admission;
  readonly now: () => number;
}

/** A key with every field at its longest. */
const BODY_LIMIT = 64 * 1024;
/** A page fits a screen or two; the largest is about a megabyte. */
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1_000;

/** To be mounted at `/admin/virtual-keys`. */
export function virtualKeyRoutes({ keys, admission, now }: VirtualKeyOptions): Router {
  const router = Router();
  const told = (key: VirtualKey): Readonly<Record<string, unknown>> => ({ ...tellKey(key, now()), used: admission.usedBy(key) });
  const issued = ({ key, secret }: Issued): unknown => ({ ...told(key), secret });

  router.get('/', (request, response) => {
    const { page, next } = pageOf(keys.list(), request);
    response.json({ virtual_keys: page.map(told), ...(next !== undefined && { next }) });
  });
  router.post('/', async (request, response) => void response.status(201).json(issued(await keys.create(await readJson(request, BODY_LIMIT)))));
  router.get('/limits', (_request, response) => void response.json(tellShared(keys.shared())));
  router.patch('/limits', async (request, response) => void response.json(tellShared(await keys.changeShared(await readJson(request, BODY_LIMIT)))));
  router.get('/:id', (request, response) => {
    const key = keys.get(request.params.id);
    if (key === undefined) throw new FailureError({ kind: 'not-found', message: `there is no virtual key ${JSON.stringify(request.params.id)}` });
    response.json(told(key));
  });
  router.patch('/:id', async (request, response) => void response.json(told(await keys.change(request.params.id, await readJson(request, BODY_LIMIT)))));
  router.delete('/:id', async (request, response) => void response.json(told(await keys.revoke(request.params.id))));
  router.post('/:id/rotate', async (request, response) => void response.json(issued(await keys.rotate(request.params.id))));
  return router;
}

/** `?after=<id>&limit=<n>&project=<name>`; `next` is the `after` of the page that follows. */
function pageOf(all: readonly VirtualKey[], { query }: Request): { readonly page: readonly VirtualKey[]; readonly next?: string } {
  const { after, limit = String(USUAL_PAGE), project } = query;
  if (typeof limit !== 'string' || !/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > LARGEST_PAGE) {
    throw new FailureError({ kind: 'invalid-request', param: 'limit', message: `limit must be a number from 1 to ${LARGEST_PAGE}` });
  }
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) throw new FailureError({ kind: 'invalid-request', param: 'after', message: 'after must be the id of a virtual key, as given in next' });
  const rest = all.slice(start).filter((key) => project === undefined || key.project === project);
  const page = rest.slice(0, Number(limit));
  const last = page.at(-1);
  return { page, ...(rest.length > page.length && last && { next: last.id }) };
}
