/** `/admin/accounts`: who there is and what is left; adding, testing, changing, removing. */
import { Router } from 'express';
import { z } from 'zod';
import type { AccountView, KeptAccounts } from '../accounts/accounts.ts';
import { check, filled } from '../schema.ts';
import type { Account, Clock } from '../types.ts';
import { readJson } from './body.ts';
import { afterId, idPage } from './pages.ts';
import { createRetries } from './retries.ts';
import { tellRest, tellWindow } from './tell.ts';

export const newAccount = z.strictObject({
  provider: filled,
  key: filled,
  label: filled.exactOptional(),
  organization: filled.exactOptional(),
  check: z.boolean().default(true).describe('False: sealed without asking the provider whether the key is good.'),
});
export type WantedAccount = Readonly<z.output<typeof newAccount>>;

export const accountChange = z.strictObject({ enabled: z.boolean().exactOptional(), label: filled.exactOptional() });
export type AccountChange = Readonly<z.output<typeof accountChange>>;

export interface AccountCheck {
  readonly ok: boolean;
  /** For people. */
  readonly message: string;
  readonly tier?: string;
}

/** What an operator can do with accounts. All throw a FailureError: `vault-locked`, `invalid-request`, `not-found`. */
export interface AccountDesk {
  readonly add: (wanted: WantedAccount) => Promise<{ readonly account: Account; readonly check?: AccountCheck }>;
  readonly test: (id: string) => Promise<AccountCheck>;
  readonly change: (id: string, change: AccountChange) => Promise<Account>;
  readonly remove: (id: string) => Promise<void>;
}

export interface AdminAccountOptions {
  readonly accounts: KeptAccounts;
  readonly accountDesk: AccountDesk;
  readonly now: Clock;
}

/** A key of 4 KB and its names. */
const BODY_LIMIT = 16 * 1024;

/** To be mounted at `/admin/accounts`. */
export function adminAccountRoutes({ accounts, accountDesk, now }: AdminAccountOptions): Router {
  const router = Router();
  const retries = createRetries(now);
  router.get('/', (request, response) => {
    const { page, more } = afterId(accounts.view(), ({ account }) => account.id, check(idPage, request.query));
    response.json({ accounts: page.map(tellView), waiting: accounts.waiting(), ...more });
  });
  router.post('/', async (request, response) => {
    const wanted = check(newAccount, await readJson(request, BODY_LIMIT));
    const { account, check: found } = await retries.once(request, wanted, () => accountDesk.add(wanted));
    response.status(201).json({ ...tellAccount(account), ...(found && { check: found }) });
  });
  router.post('/:id/test', async (request, response) => void response.json(await accountDesk.test(request.params.id)));
  router.patch('/:id', async (request, response) => {
    const change = check(accountChange, await readJson(request, BODY_LIMIT));
    response.json(tellAccount(await accountDesk.change(request.params.id, change)));
  });
  router.delete('/:id', async (request, response) => {
    await accountDesk.remove(request.params.id);
    response.status(204).end();
  });
  return router;
}

const tellAccount = ({ id, provider, label, organization, enabled, origin }: Account): object => ({ id, provider, label, ...(organization !== undefined && { organization }), enabled, origin });

function tellView({ account, pool, state, trial, rests, windows }: AccountView): unknown {
  return {
    ...tellAccount(account),
    pool,
    state,
    ...(trial && { trial }),
    rests: rests.map(tellRest),
    windows: windows.map(tellWindow),
  };
}
