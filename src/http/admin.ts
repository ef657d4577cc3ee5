/** `/admin`: the operator's routes. Whoever gets here has passed the admin guard. */
import { Router } from 'express';
import type { Accounts, AccountView, Outlook } from '../accounts/accounts.ts';
import { FailureError } from '../failure.ts';
import type { Gateway } from '../gateway.ts';
import { candidates } from '../routing/candidates.ts';
import { explainMatch } from '../routing/explain.ts';
import { parseChat } from '../surfaces/chat.ts';
import type { Catalogue, Limits, Model, Provider, Rules } from '../types.ts';
import { readJson } from './body.ts';

export interface AdminOptions {
  readonly gateway: Gateway;
  readonly accounts: Accounts;
  readonly catalogue: () => Catalogue;
  readonly rules: () => Rules;
  readonly vault: { readonly unlocked: () => boolean; readonly lock: () => void; readonly unlock: (passphrase: string) => Promise<void> };
}

/** Larger than any prompt worth explaining, smaller than what a data route takes. */
const ADMIN_BODY_LIMIT = 4 * 1024 * 1024;

export function adminRoutes(options: AdminOptions): Router {
  const { accounts, catalogue, rules, vault } = options;
  const router = Router();
  router.get('/accounts', (_request, response) => void response.json({ accounts: accounts.view().map(tellAccount), waiting: accounts.waiting() }));
  router.get('/providers', (_request, response) => void response.json({ providers: [...catalogue().providers.values()].map(tellProvider) }));
  router.get('/rules', (_request, response) => void response.json({ default_rule: rules().defaultRule, rules: rules().rules }));
  router.post('/explain', async (request, response) => void response.json(explain(options, await readJson(request, ADMIN_BODY_LIMIT))));
  router.get('/cooldowns', (_request, response) => void response.json({ cooldowns: accounts.view().flatMap(tellRests) }));
  router.delete('/cooldowns', (request, response) => {
    const { account } = request.query;
    response.json({ cleared: accounts.clearRests(typeof account === 'string' ? account : undefined) });
  });
  router.post('/vault/lock', (_request, response) => {
    vault.lock();
    response.json({ unlocked: vault.unlocked() });
  });
  router.post('/vault/unlock', async (request, response) => {
    const body = await readJson(request, ADMIN_BODY_LIMIT);
    const passphrase = typeof body === 'object' && body !== null && 'passphrase' in body ? body.passphrase : undefined;
    if (typeof passphrase !== 'string') throw new FailureError({ kind: 'invalid-request', param: 'passphrase', message: 'send {"passphrase": "…"}' });
    await vault.unlock(passphrase);
    response.json({ unlocked: vault.unlocked() });
  });
  return router;
}

/** Which rule a prompt would take and why, and who could answer it when. Nothing is sent and nothing is taken. */
function explain({ gateway, accounts }: AdminOptions, body: unknown): unknown {
  const asked = typeof body === 'object' && body !== null ? body : {};
  const prompt = 'prompt' in asked && typeof asked.prompt === 'string' ? { messages: [{ role: 'user', content: asked.prompt }] } : {};
  const now = gateway.now();
  const request = parseChat({ model: 'auto', ...asked, ...prompt }, { id: 'explain', caller: { key: 'admin', project: 'admin' }, receivedAt: now, deadline: now, priority: 0 });
  const { match, ...explained } = explainMatch(request, gateway.rules());
  const targets = candidates(match, request, gateway.catalogue(), { freeOnly: gateway.policy().freeOnly, usable: gateway.usable });
  return { ...explained, tokens: request.promptTokens, candidates: accounts.outlook(targets, request).map(tellOutlook) };
}

function tellOutlook({ target, account, freeAt, reason }: Outlook): unknown {
  return { provider: target.provider.name, model: target.model.name, account: account.label, ...time('free_at', freeAt), reason };
}

function tellAccount({ account, pool, state, rests, windows }: AccountView): unknown {
  return {
    id: account.id,
    provider: account.provider,
    label: account.label,
    ...(account.organization !== undefined && { organization: account.organization }),
    pool,
    state,
    enabled: account.enabled,
    rests: rests.map(({ scope, model, until, reason }) => ({ scope, ...(model !== undefined && { model }), ...time('until', until), reason })),
    windows: windows.map(({ resetsAt, ...window }) => ({ ...window, ...time('resets_at', resetsAt) })),
  };
}

function tellRests({ account, rests }: AccountView): readonly unknown[] {
  return rests.map(({ scope, model, until, reason }) => ({ account: account.id, provider: account.provider, label: account.label, scope, ...(model !== undefined && { model }), ...time('until', until), reason }));
}

function tellProvider({ name, title, status, baseUrl, quotaScope, limits, models, signUpUrl, notes }: Provider): unknown {
  return {
    name,
    title,
    status,
    base_url: baseUrl,
    quota_scope: quotaScope,
    limits: tellLimits(limits),
    ...(signUpUrl !== undefined && { sign_up_url: signUpUrl }),
    ...(notes !== undefined && { notes }),
    models: models.map(tellModel),
  };
}

function tellModel({ name, aliases, context, maxOutput, capabilities, limits, price }: Model): unknown {
  return {
    name,
    aliases,
    ...(context !== undefined && { context }),
    ...(maxOutput !== undefined && { max_output: maxOutput }),
    capabilities,
    limits: tellLimits(limits),
    price: { input: price.input, output: price.output, list_input: price.listInput, list_output: price.listOutput },
  };
}

function tellLimits({ windows, concurrent }: Limits): unknown {
  return { windows, ...(concurrent !== undefined && { concurrent }) };
}

function time(name: string, at: number | undefined): Record<string, string> {
  return at === undefined ? {} : { [name]: new Date(at).toISOString() };
}
