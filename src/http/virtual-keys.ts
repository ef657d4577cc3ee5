/** `/admin/virtual-keys`: the operator's routes for virtual keys. Whoever gets here has passed the admin guard. */
import { Router } from 'express';
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import type { Admission } from '../keys/admission.ts';
import { tellKey, tellShared } from '../keys/format.ts';
import type { Issued, Keys } from '../keys/keys.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import { check, once, refused, wholeText } from '../schema.ts';
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
    const { page, next } = pageOf(keys.list(), check(keyPage, request.query));
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

export const keyPage = z.strictObject({
  after: once.describe('The `next` of the page before.').exactOptional(),
  limit: wholeText(1, LARGEST_PAGE).default(USUAL_PAGE).describe('Keys of a page.'),
  project: once.describe('Only this project’s.').exactOptional(),
});

/** `next` is the `after` of the page that follows. */
function pageOf(all: readonly VirtualKey[], { after, limit, project }: z.output<typeof keyPage>): { readonly page: readonly VirtualKey[]; readonly next?: string } {
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) throw refused('after', 'must be the id of a virtual key, as given in next');
  const rest = all.slice(start).filter((key) => project === undefined || key.project === project);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return { page, ...(rest.length > page.length && last && { next: last.id }) };
}
