/** `/admin/accounts`: who there is and what is left; adding, testing, changing, removing. */
import { Router } from 'express';
import type { Accounts, AccountView } from '../accounts/accounts.ts';
import { FailureError } from '../failure.ts';
import type { Account } from '../types.ts';
import { readJson } from './body.ts';

export interface WantedAccount {
  readonly provider: string;
  readonly key: string;
  readonly label?: string;
  readonly organization?: string;
  /** False: sealed without asking the provider whether the key is good. */
  readonly check: boolean;
}

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
  readonly change: (id: string, change: { readonly enabled?: boolean; readonly label?: string }) => Promise<Account>;
  readonly remove: (id: string) => Promise<void>;
}

export interface AdminAccountOptions {
  readonly accounts: Accounts;
  readonly accountDesk: AccountDesk;
}

/** A key of 4 KB and its names. */
const BODY_LIMIT = 16 * 1024;

/** To be mounted at `/admin/accounts`. */
export function adminAccountRoutes({ accounts, accountDesk }: AdminAccountOptions): Router {
  const router = Router();
  router.get('/', (_request, response) => void response.json({ accounts: accounts.view().map(tellView), waiting: accounts.waiting() }));
  router.post('/', async (request, response) => {
    const { account, check } = await accountDesk.add(readWanted(await readJson(request, BODY_LIMIT)));
    response.status(201).json({ ...tellAccount(account), ...(check && { check }) });
  });
  router.post('/:id/test', async (request, response) => void response.json(await accountDesk.test(request.params.id)));
  router.patch('/:id', async (request, response) => {
    const { enabled, label, ...others } = fieldsOf(await readJson(request, BODY_LIMIT));
    refuseOthers(others, 'enabled and label');
    if (enabled !== undefined && typeof enabled !== 'boolean') throw refuse('enabled', 'enabled must be true or false');
    const change = { ...(enabled !== undefined && { enabled }), ...(label !== undefined && { label: textOf('label', label) }) };
    response.json(tellAccount(await accountDesk.change(request.params.id, change)));
  });
  router.delete('/:id', async (request, response) => {
    await accountDesk.remove(request.params.id);
    response.status(204).end();
  });
  return router;
}

function readWanted(body: unknown): WantedAccount {
  const { provider, key, label, organization, check = true, ...others } = fieldsOf(body);
  refuseOthers(others, 'provider, key, label, organization and check');
  if (typeof check !== 'boolean') throw refuse('check', 'check must be true or false');
  return {
    provider: textOf('provider', provider),
    key: textOf('key', key),
    ...(label !== undefined && { label: textOf('label', label) }),
    ...(organization !== undefined && { organization: textOf('organization', organization) }),
    check,
  };
}

const fieldsOf = (body: unknown): Readonly<Record<string, unknown>> => (typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : {});

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw refuse(name, `${name} must be text`);
}

function refuseOthers(others: Readonly<Record<string, unknown>>, known: string): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refuse(unknown, `there is no field ${JSON.stringify(unknown)} here, only ${known}`);
}

const refuse = (param: string, message: string): FailureError => new FailureError({ kind: 'invalid-request', param, message });

const tellAccount = ({ id, provider, label, organization, enabled, origin }: Account): object => ({ id, provider, label, ...(organization !== undefined && { organization }), enabled, origin });

function tellView({ account, pool, state, trial, rests, windows }: AccountView): unknown {
  return {
    ...tellAccount(account),
    pool,
    state,
    ...(trial && { trial }),
    rests: rests.map(({ scope, model, until, reason }) => ({ scope, ...(model !== undefined && { model }), ...time('until', until), reason })),
    windows: windows.map(({ resetsAt, emptyAt, ...window }) => ({ ...window, ...time('resets_at', resetsAt), ...time('empty_at', emptyAt) })),
  };
}

export function time(name: string, at: number | undefined): Record<string, string> {
  return at === undefined ? {} : { [name]: new Date(at).toISOString() };
}
