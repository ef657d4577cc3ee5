/** `/admin/virtual-keys`: the operator's routes for virtual keys. Whoever gets here has passed the admin guard. */
import { Router } from 'express';
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import type { Admission } from '../keys/admission.ts';
import { tellKey, tellShared } from '../keys/format.ts';
import type { Issued, Keys } from '../keys/keys.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import { check, once } from '../schema.ts';
import { readJson } from './body.ts';
import { afterId, pageAfterId } from './pages.ts';
import { createRetries } from './retries.ts';

export interface VirtualKeyOptions {
  readonly keys: Keys;
  readonly admission: Admission;
  readonly now: () => number;
}

/** A key with every field at its longest. */
const BODY_LIMIT = 64 * 1024;

/** To be mounted at `/admin/virtual-keys`. */
export function virtualKeyRoutes({ keys, admission, now }: VirtualKeyOptions): Router {
  const router = Router();
  const retries = createRetries(now);
  const told = (key: VirtualKey): Readonly<Record<string, unknown>> => ({ ...tellKey(key, now()), used: admission.usedBy(key) });
  const issued = ({ key, secret }: Issued): unknown => ({ ...told(key), secret });

  router.get('/', (request, response) => {
    const { project, ...asked } = check(keyPage, request.query);
    const { page, more } = afterId(keys.list().filter((key) => project === undefined || key.project === project), ({ id }) => id, asked);
    response.json({ virtual_keys: page.map(told), ...more });
  });
  router.post('/', async (request, response) => {
    const terms = await readJson(request, BODY_LIMIT);
    response.status(201).json(await retries.once(request, terms, async () => issued(await keys.create(terms))));
  });
  router.get('/limits', (_request, response) => void response.json(tellShared(keys.shared())));
  router.patch('/limits', async (request, response) => void response.json(tellShared(await keys.changeShared(await readJson(request, BODY_LIMIT)))));
  router.get('/:id', (request, response) => {
    const key = keys.get(request.params.id);
    if (key === undefined) throw new FailureError({ kind: 'not-found', message: `there is no virtual key ${JSON.stringify(request.params.id)}` });
    response.json(told(key));
  });
  router.patch('/:id', async (request, response) => void response.json(told(await keys.change(request.params.id, await readJson(request, BODY_LIMIT)))));
  router.delete('/:id', async (request, response) => void response.json(told(await keys.revoke(request.params.id))));
  router.post('/:id/rotate', async (request, response) => void response.json(await retries.once(request, {}, async () => issued(await keys.rotate(request.params.id)))));
  return router;
}

export const keyPage = z.strictObject({ ...pageAfterId, project: once.describe('Only this project’s.').exactOptional() });
