/** What the routes answer, as `/openapi.json` tells it. A test holds the answers of a running daemon against it, to the last field. */
import { z } from 'zod';
import { SURFACES } from '../types.ts';
import { GROUPS } from '../usage/stats.ts';
import type { Group } from '../usage/stats.ts';

const text = z.string();
const count = z.int().min(0);
const time = z.iso.datetime();
/** Null is unknown, which is never the same as zero. */
const usd = z.number().nullable();
const milliseconds = z.number().nullable();
const maybe = <S extends z.ZodType>(schema: S): z.ZodOptional<S> => schema.optional();

const NEXT = 'The `after` of the next page, where there is one.';
const nextId = maybe(text).describe(NEXT);
const nextPlace = maybe(count).describe(NEXT);

const account = z.object({ id: text, provider: text, label: text, organization: maybe(text), enabled: z.boolean(), origin: text });
const accountCheck = z.object({ ok: z.boolean(), message: text, tier: maybe(text) });
const rest = z.object({ scope: text, model: maybe(text), until: maybe(time), reason: text });
const quotaWindow = z.object({
  unit: text, seconds: count.describe('0 for what runs at once.'), model: maybe(text), limit: z.number(), used: z.number(),
  resets_at: maybe(time), empty_at: maybe(time).describe('At the pace of the last hour.'), source: z.enum(['configured', 'header', 'refusal', 'endpoint']),
});
const accountStatus = account.extend({
  pool: text, state: z.enum(['active', 'resting', 'suspended', 'disabled']), trial: maybe(z.literal(true)), rests: z.array(rest), windows: z.array(quotaWindow),
});

const amounts = z.record(text, z.number()).describe('By limit: `requests_per_minute`, `usd_per_month` …');
const virtualKey = z.object({
  id: text, state: z.enum(['active', 'revoked', 'expired']), hint: text, name: text, project: text, models: maybe(z.array(text)), surfaces: maybe(z.array(z.enum(SURFACES))),
  limits: amounts, user_limits: maybe(amounts), priority: maybe(count), expires_at: maybe(time), created_at: time, revoked_at: maybe(time), used: amounts,
});
const issuedKey = virtualKey.extend({ secret: text.describe('In this answer and in no other.') });
const sharedLimits = z.object({ all: amounts, projects: z.record(text, amounts) });

const sums = z.object({
  requests: count, failures: count, attempts: count, failed_attempts: count, tokens_in: count, tokens_out: count,
  estimated_requests: count.describe('Whose tokens are an estimate.'),
  cost_usd: usd, unpriced_requests: count.describe('Not in `cost_usd`, for want of a price.'),
  saved_usd: usd, unvalued_requests: count.describe('Not in `saved_usd`, for want of a list price.'),
  mean_ms: milliseconds, p50_ms: milliseconds, p95_ms: milliseconds, first_content_ms: milliseconds,
});
const groups = Object.fromEntries(GROUPS.map((group) => [group, maybe(text)])) as Record<Group, z.ZodOptional<z.ZodString>>;
const usage = z.object({
  by: z.array(z.enum(GROUPS)), since: z.iso.date(), until: z.iso.date().nullable(),
  rows: z.array(sums.extend(groups)),
  next: nextPlace, total: sums,
});
const recordedAttempt = z.object({
  provider: text.nullable(), model: text.nullable(), account: text.nullable(), outcome: text.nullable().describe('`ok`, or why it failed.'),
  started_at: time.nullable(), first_content_ms: milliseconds, total_ms: milliseconds, retry_at: time.nullable(),
});
const recordedRequest = z.object({
  number: count, request_id: text, received_at: time, key_id: text.nullable(), key: text, project: text, surface: text, stream: z.boolean(), asked_model: text,
  rule: text.nullable(), provider: text.nullable(), model: text.nullable(), account: text.nullable(), status: count, failure: text.nullable(),
  tokens_in: count.nullable(), tokens_out: count.nullable(), cached_in: count.nullable(), reasoning: count.nullable(), estimated: z.boolean().nullable(),
  cost_usd: usd, saved_usd: usd, queue_ms: milliseconds, first_content_ms: milliseconds, total_ms: milliseconds, overhead_ms: milliseconds,
  attempts: z.array(recordedAttempt),
});
const activity = z.object({
  range: z.enum(['hour', 'day']), step_seconds: count, since: time,
  points: z.array(z.object({ at: time, requests: count, failures: count, refused: count, fallbacks: count, tokens_in: count, tokens_out: count, saved_usd: usd, unvalued_requests: count, p50_ms: milliseconds, p95_ms: milliseconds })),
});

const limits = z.object({ windows: z.array(z.object({ unit: text, limit: z.number(), seconds: z.number(), kind: maybe(text), timeZone: maybe(text) })), concurrent: maybe(count) });
const provider = z.object({
  name: text, title: text, status: z.enum(['active', 'trial', 'retired']), base_url: text, quota_scope: text, limits, sign_up_url: maybe(text), notes: maybe(text),
  models: z.array(z.object({
    name: text, aliases: z.array(text), context: maybe(count), max_output: maybe(count), capabilities: z.array(text), limits,
    price: z.object({ input: maybe(z.number()), output: maybe(z.number()), list_input: maybe(z.number()), list_output: maybe(z.number()) }).describe('USD per million tokens. Absent: unknown.'),
  })),
});

const words = z.array(z.object({ word: text, weight: z.number(), where: text }));
const explanation = z.object({
  rule: text, because: text, score: z.number(), words,
  considered: z.array(z.object({ rule: text, score: z.number(), words, failed: maybe(text) })),
  tokens: count,
  candidates: z.array(z.object({ provider: text, model: text, account: text, pool: text, free_at: maybe(time), reason: maybe(text), windows: z.array(quotaWindow) })),
});
const cooldowns = z.object({ cooldowns: z.array(rest.extend({ account: text, provider: text, label: text })), next: nextPlace });
const breakers = z.object({
  breakers: z.array(z.object({ scope: text, provider: text, model: maybe(text), account: maybe(text), state: z.enum(['closed', 'open', 'half-open']), until: maybe(time), consecutive: count, calls: count, failures: count })),
  next: nextPlace,
});

const rules = z.object({ default_rule: text, rules: z.array(z.looseObject({ name: text })) });
const rulesVerdict = z.object({ problems: z.array(z.object({ line: count, column: count, message: text })), rules: maybe(z.array(text)).describe('Their names, where they would do.') });

const vault = z.object({ state: z.enum(['absent', 'locked', 'unlocked']), unlocked: z.boolean(), accounts: count, unlocks: z.array(text), epoch: count, kept_from_swap: maybe(z.boolean()) });
const auditTrail = z.object({ entries: count, problem: maybe(text), vouched: z.boolean(), newest: z.array(z.looseObject({})), next: nextId });

const health = z.object({
  status: z.enum(['ok', 'degraded', 'not ready']), reason: maybe(text), problems: z.array(z.object({ part: text, message: text })), version: text, uptime_seconds: count, vault: z.enum(['locked', 'unlocked']),
  accounts: z.object({ total: count, active: count, resting: count, suspended: count, disabled: count }),
  waiting: count, record: z.object({ problems: z.array(text), pending: count, lost: count }),
  workers: maybe(z.object({ wanted: count, running: count })).describe('Processes that take connections, where there are several.'),
});
const readiness = z.object({ status: text, reason: maybe(text) });

const model = z.object({
  id: text, object: z.literal('model'), type: z.literal('model'), display_name: text, created: count, created_at: time, owned_by: text, context_length: maybe(count), max_output_tokens: maybe(count),
  capabilities: maybe(z.array(text)), limits: maybe(z.array(z.object({ unit: text, seconds: count, limit: z.number(), remaining: z.number() }))).describe('Of each window, over all accounts.'),
});
const models = z.object({ object: z.literal('list'), data: z.array(model), has_more: z.boolean(), first_id: text.nullable(), last_id: text.nullable() });

/** What providers add goes through unread, so these are open. */
const tokensUsed = z.looseObject({ prompt_tokens: count, completion_tokens: maybe(count), total_tokens: count });
const choice = z.looseObject({ index: count, finish_reason: text.nullable() });
const completion = z.looseObject({ id: text, object: z.literal('chat.completion'), created: count, model: text, choices: z.array(choice.extend({ message: z.looseObject({ role: text, content: text.nullish() }) })), usage: maybe(tokensUsed) });
const estimate = z.object({
  object: z.literal('chat.completion.estimate'), rule: text.nullable(), input_tokens: count, output_tokens: count,
  candidates: z.array(z.object({ provider: text, model: text, context: count.nullable(), cost_usd: usd, list_usd: usd, free_at: time.nullable() })),
});
const textCompletion = z.looseObject({ id: text, object: z.literal('text_completion'), created: count, model: text, choices: z.array(choice.extend({ text })), usage: maybe(tokensUsed) });
const openAiResponse = z.looseObject({ id: text, object: z.literal('response'), created_at: count, status: text, model: text, output: z.array(z.looseObject({ type: text })), usage: z.looseObject({ input_tokens: count, output_tokens: count }).nullish() });
const message = z.looseObject({ id: text, type: z.literal('message'), role: z.literal('assistant'), model: text, content: z.array(z.looseObject({ type: text })), stop_reason: text.nullable(), usage: z.looseObject({ input_tokens: count, output_tokens: count }) });
const embeddings = z.looseObject({ object: z.literal('list'), model: text, data: z.array(z.looseObject({ index: count, embedding: z.union([z.array(z.number()), text.describe('Base64, where that was asked for.')]) })), usage: maybe(tokensUsed) });
const transcription = z.looseObject({ text });

const attempts = z.array(z.object({ provider: text, account: text, model: text, reason: text, retry_at: maybe(time) })).describe('Who was asked, or would have been, and why it came to nothing.');
const error = z.object({ error: z.object({ message: text, type: text, param: text.nullable(), code: text.nullable(), request_id: maybe(text), attempts: maybe(attempts) }) });
const anthropicError = z.object({ type: z.literal('error'), error: z.object({ type: text, message: text, code: text, details: maybe(z.object({ error_code: text })), attempts: maybe(attempts) }), request_id: text });

/** By their names in the document. */
export const ANSWERS = {
  Account: account, AccountCheck: accountCheck, AccountStatus: accountStatus,
  AddedAccount: account.extend({ check: maybe(accountCheck) }),
  Accounts: z.object({ accounts: z.array(accountStatus), waiting: count, next: nextId }),
  VirtualKey: virtualKey, IssuedKey: issuedKey, SharedLimits: sharedLimits,
  VirtualKeys: z.object({ virtual_keys: z.array(virtualKey), next: nextId }),
  Usage: usage, RecordedRequests: z.object({ requests: z.array(recordedRequest), next: nextPlace }), OwnUsage: usage.extend({ key: text, project: text }), Activity: activity,
  Providers: z.object({ providers: z.array(provider), next: nextId }), Explanation: explanation, Cooldowns: cooldowns, Cleared: z.object({ cleared: count }), Breakers: breakers,
  Rules: rules, RulesSource: z.object({ file: text, text, version: text }), SavedRules: z.object({ rules: z.array(text), version: text }), RulesVerdict: rulesVerdict,
  Vault: vault, AuditTrail: auditTrail, Session: z.object({ expires_at: maybe(time).describe('Absent: none is open.') }),
  Health: health, Readiness: readiness, Model: model, Models: models,
  ChatCompletion: z.union([completion, estimate]), TextCompletion: z.union([textCompletion, estimate]), Response: z.union([openAiResponse, estimate]), Message: z.union([message, estimate]), TokenCount: z.object({ input_tokens: count }),
  Embeddings: embeddings, Transcription: transcription, Anything: z.looseObject({}),
  Error: error, AnthropicError: anthropicError,
} as const satisfies Readonly<Record<string, z.ZodType>>;
export type AnswerName = keyof typeof ANSWERS;
