/** `/admin`: everything the operator can see and do. */
import { Router } from 'express';
import { z } from 'zod';
import type { AccountView, BreakerView } from '../accounts/accounts.ts';
import type { RuleSet } from '../routing/classify.ts';
import { candidates } from '../routing/candidates.ts';
import { explainMatch } from '../routing/explain.ts';
import { check, once, refused } from '../schema.ts';
import { chat, parseChat } from '../surfaces/chat.ts';
import type { Catalogue, ChatRequest, Target } from '../types.ts';
import type { Activity } from './activity.ts';
import { adminAccountRoutes } from './admin-accounts.ts';
import type { AdminAccountOptions } from './admin-accounts.ts';
import type { AdminDoor } from './admin-door.ts';
import { adminRulesRoutes } from './admin-rules.ts';
import type { AdminRulesOptions } from './admin-rules.ts';
import { adminVaultRoutes } from './admin-vault.ts';
import type { AdminVaultOptions } from './admin-vault.ts';
import type { EntryOptions } from './arrival.ts';
import { readJson } from './body.ts';
import { conversationRoute } from './conversation.ts';
import type { Events } from './events.ts';
import { notKept } from './headers.ts';
import { operatorDoor } from './operator-door.ts';
import { afterId, afterPlace, idPage, placePage } from './pages.ts';
import { tellProvider } from './providers.ts';
import { recordedRequests } from './recorded-requests.ts';
import type { RecordedRequestOptions } from './recorded-requests.ts';
import { tellRest, tellTime, tellWindow } from './tell.ts';
import { usageStats } from './usage-stats.ts';
import type { UsageOptions } from './usage-stats.ts';
import { virtualKeyRoutes } from './virtual-keys.ts';
import type { VirtualKeyOptions } from './virtual-keys.ts';

export interface AdminOptions extends AdminAccountOptions, AdminRulesOptions, AdminVaultOptions, VirtualKeyOptions, UsageOptions, Omit<EntryOptions, 'door'> {
  readonly record: UsageOptions['record'] & RecordedRequestOptions['record'];
  readonly catalogue: () => Catalogue;
  readonly adminDoor: AdminDoor;
  readonly events: Pick<Events, 'route'>;
  readonly activity: Pick<Activity, 'route'>;
}

export const restsParameters = z.strictObject({ account: once.describe('Only this account’s.').exactOptional() });

/** What is not named here is a chat's: `messages`, `tools` … */
export const question = z.looseObject({
  prompt: z.string().describe('In place of `messages`: what a user would say.').exactOptional(),
  model: z.string().default('auto'),
  rules: z.string().describe('Other rules than those in force, as the whole file.').exactOptional(),
});

/** Larger than any prompt worth explaining, smaller than what a data route takes. */
const ADMIN_BODY_LIMIT = 4 * 1024 * 1024;

/** To be mounted at `/admin`. Every route but the entrance stands behind the guard: one that is added here is closed and not open. */
export function adminRoutes(options: AdminOptions): Router {
  const { accounts, adminDoor, catalogue } = options;
  const router = Router();
  router.use(notKept, adminDoor.entrance, adminDoor.guard, adminDoor.exit);
  router.use('/accounts', adminAccountRoutes(options));
  router.use('/rules', adminRulesRoutes(options));
  router.use('/vault', adminVaultRoutes(options));
  router.use('/virtual-keys', virtualKeyRoutes(options));
  router.get('/usage-stats', usageStats(options));
  router.get('/requests', recordedRequests(options));
  router.get('/activity', options.activity.route);
  router.get('/events', options.events.route);
  router.post('/chat', conversationRoute({ ...options, door: operatorDoor }, chat));
  router.get('/providers', (request, response) => {
    const { page, more } = afterId([...catalogue().providers.values()], ({ name }) => name, check(idPage, request.query));
    response.json({ providers: page.map(tellProvider), ...more });
  });
  router.post('/explain', async (request, response) => void response.json(explain(options, await readJson(request, ADMIN_BODY_LIMIT))));
  router.get('/cooldowns', (request, response) => {
    const { page, more } = afterPlace(accounts.view().flatMap(tellRests), check(placePage, request.query));
    response.json({ cooldowns: page, ...more });
  });
  router.get('/breakers', (request, response) => {
    const { page, more } = afterPlace(accounts.breakers(), check(placePage, request.query));
    response.json({ breakers: page.map(tellBreaker), ...more });
  });
  router.delete('/cooldowns', (request, response) => {
    const { account } = check(restsParameters, request.query);
    response.json({ cleared: accounts.clearRests(account) });
  });
  return router;
}

/** Which rule a prompt would take and why, and who could answer it when. Nothing is sent and nothing is taken. */
function explain({ gateway, accounts, rulesDesk }: AdminOptions, body: unknown): unknown {
  const { rules: text, prompt, ...asked } = check(question, body);
  const messages = prompt === undefined ? {} : { messages: [{ role: 'user', content: prompt }] };
  const now = gateway.now();
  const request = parseChat({ ...asked, ...messages }, { id: 'explain', caller: { key: 'admin', project: 'admin' }, receivedAt: now, deadline: now, priority: 0 });
  const { match, ...explained } = explainMatch(request, text === undefined ? gateway.rules() : otherRules(rulesDesk, text));
  const targets = candidates(match, request, gateway.catalogue(), { freeOnly: gateway.policy().freeOnly, usable: gateway.usable });
  return { ...explained, tokens: request.promptTokens, candidates: tellOutlooks(accounts, targets, request) };
}

/** Rules that are not in force, to see what they would do. */
function otherRules({ check: tryOut }: AdminOptions['rulesDesk'], text: string): RuleSet {
  const checked = tryOut(text);
  if ('rules' in checked) return checked.rules;
  const [first] = checked.problems;
  throw refused('rules', first === undefined ? 'are wrong' : `line ${first.line}: ${first.message}`);
}

/** Each with what is left for it, by every window that covers it. */
function tellOutlooks(accounts: Pick<AdminOptions['accounts'], 'outlook' | 'view'>, targets: readonly Target[], request: ChatRequest): readonly unknown[] {
  const outlooks = accounts.outlook(targets, request);
  const windows = new Map(accounts.view().map((view) => [view.account.id, view.windows]));
  return outlooks.map(({ target: { provider, model }, account, pool, freeAt, reason }) => ({
    provider: provider.name, model: model.name, account: account.label, pool, ...tellTime('free_at', freeAt), reason,
    windows: (windows.get(account.id) ?? []).filter((window) => window.model === undefined || window.model === model.name).map(tellWindow),
  }));
}

function tellRests({ account, rests }: AccountView): readonly unknown[] {
  return rests.map((rest) => ({ account: account.id, provider: account.provider, label: account.label, ...tellRest(rest) }));
}

function tellBreaker({ accountId, until, ...breaker }: BreakerView): unknown {
  return { ...breaker, ...(accountId !== undefined && { account: accountId }), ...tellTime('until', until) };
}
