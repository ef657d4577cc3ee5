/** Every route there is, for `/openapi.json`: what it takes, by the schemas that validate it, and what it gives. */
import type { z } from 'zod';
import { keyChange, newKey, sharedChange } from '../keys/format.ts';
import { chatBody } from '../surfaces/chat.ts';
import { completionsBody } from '../surfaces/completions.ts';
import { messagesBody } from '../surfaces/messages-request.ts';
import { RELAY_KINDS } from '../surfaces/relay.ts';
import { embeddingsBody, imageBody, imageForm, moderationBody, recordingForm, relayBody, relayForm, speechBody } from '../surfaces/relay-bodies.ts';
import { responsesBody } from '../surfaces/responses-request.ts';
import { activityParameters } from './activity.ts';
import { question, restsParameters } from './admin.ts';
import { accountChange, newAccount } from './admin-accounts.ts';
import { sessionWanted } from './admin-door.ts';
import { rulesSaving, rulesText } from './admin-rules.ts';
import { opening } from './admin-vault.ts';
import type { AnswerName } from './answers.ts';
import { idPage, placePage } from './pages.ts';
import { requestsPage } from './recorded-requests.ts';
import { ownParameters, statsParameters } from './usage-stats.ts';
import { keyPage } from './virtual-keys.ts';

/** By their names in the document. */
export const BODIES = {
  NewAccount: newAccount, AccountChange: accountChange, NewVirtualKey: newKey, VirtualKeyChange: keyChange, SharedLimitsChange: sharedChange,
  RulesText: rulesText, RulesSaving: rulesSaving, Question: question, VaultUnlocking: opening, SessionWanted: sessionWanted,
  ChatRequest: chatBody, CompletionRequest: completionsBody, ResponsesRequest: responsesBody, MessagesRequest: messagesBody, RelayRequest: relayBody, RelayForm: relayForm,
  EmbeddingsRequest: embeddingsBody, SpeechRequest: speechBody, ImageRequest: imageBody, ModerationRequest: moderationBody, RecordingForm: recordingForm, ImageForm: imageForm,
} as const satisfies Readonly<Record<string, z.ZodType>>;
export type BodyName = keyof typeof BODIES;

const nameOf = (schema: z.ZodType | undefined): BodyName => (Object.keys(BODIES) as BodyName[]).find((name) => BODIES[name] === schema) ?? 'RelayRequest';

export interface Operation {
  readonly summary: string;
  /** Who may: a virtual key, the operator, or anybody. */
  readonly by: 'key' | 'admin' | 'anybody';
  readonly query?: z.ZodObject;
  readonly body?: BodyName;
  /** The same question as a multipart form. */
  readonly form?: BodyName;
  /** Asks a model: with the headers for that, and all the ways in which that may fail. */
  readonly asks?: true;
  /** Makes something: asked again with the same `Idempotency-Key`, it answers again and makes nothing. */
  readonly retried?: true;
  readonly status?: number;
  /** Absent: without a body. */
  readonly answer?: AnswerName;
  /** In which else it may be answered, or in which alone. */
  readonly also?: string;
  /** Answers 409 where what it replaces is no longer what its caller saw. */
  readonly versioned?: true;
  /** Answers 503 where the vault is locked. */
  readonly unlocked?: true;
  readonly envelope?: 'AnthropicError';
}

const EVENTS = 'text/event-stream';
const ask = { by: 'key', asks: true, also: EVENTS } as const;
const admin = { by: 'admin' } as const;

/** By `METHOD path`. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /v1/chat/completions': { ...ask, summary: 'A chat, in OpenAI’s form; `dry_run` only estimates', body: 'ChatRequest', answer: 'ChatCompletion' },
  'POST /v1/completions': { ...ask, summary: 'A completion, in OpenAI’s older form', body: 'CompletionRequest', answer: 'TextCompletion' },
  'POST /v1/responses': { ...ask, summary: 'A response, in OpenAI’s newer form', body: 'ResponsesRequest', answer: 'Response' },
  'POST /v1/messages': { ...ask, summary: 'A message, in Anthropic’s form', body: 'MessagesRequest', answer: 'Message', envelope: 'AnthropicError' },
  'POST /v1/messages/count_tokens': { by: 'key', summary: 'Tokens of a message, estimated', body: 'MessagesRequest', answer: 'TokenCount', envelope: 'AnthropicError' },
  ...Object.fromEntries(Object.keys(RELAY_KINDS).map((path) => [`POST /v1${path}`, relayed(path)])),
  'POST /v1/{path}': { ...ask, summary: 'Anything else, of the provider the model names', body: 'RelayRequest', form: 'RelayForm', answer: 'Anything', also: '*/*' },
  'GET /v1/models': { by: 'key', summary: 'Everything that may stand in `model`', answer: 'Models' },
  'GET /v1/models/{id}': { by: 'key', summary: 'One of them', answer: 'Model' },
  'GET /v1/usage': { by: 'key', summary: 'What the key that asks has used', query: ownParameters, answer: 'OwnUsage' },
  'GET /health': { by: 'anybody', summary: 'How it is, for people', answer: 'Health' },
  'GET /health/live': { by: 'anybody', summary: 'It runs', answer: 'Readiness' },
  'GET /health/ready': { by: 'anybody', summary: 'It can answer; 503 where not', answer: 'Readiness' },
  'GET /metrics': { by: 'anybody', summary: 'Prometheus', also: 'text/plain' },
  'GET /openapi.json': { by: 'anybody', summary: 'This', answer: 'Anything' },
  'GET /dashboard': { by: 'anybody', summary: 'The dashboard', status: 308, also: '*/*' },
  'POST /admin/session': { by: 'anybody', summary: 'Open a session with the admin token', body: 'SessionWanted', status: 201, answer: 'Session' },
  'GET /admin/session': { by: 'anybody', summary: 'Whether a session is open, and until when', answer: 'Session' },
  'DELETE /admin/session': { ...admin, summary: 'Close the session', status: 204 },
  'GET /admin/accounts': { ...admin, summary: 'Accounts, their windows and rests', query: idPage, answer: 'Accounts' },
  'POST /admin/accounts': { ...admin, summary: 'Seal a key', body: 'NewAccount', retried: true, status: 201, answer: 'AddedAccount', unlocked: true },
  'POST /admin/accounts/{id}/test': { ...admin, summary: 'Ask the provider whether the key is good', answer: 'AccountCheck', unlocked: true },
  'PATCH /admin/accounts/{id}': { ...admin, summary: 'Rename, enable or disable', body: 'AccountChange', answer: 'Account', unlocked: true },
  'DELETE /admin/accounts/{id}': { ...admin, summary: 'Forget the key', status: 204, unlocked: true },
  'GET /admin/virtual-keys': { ...admin, summary: 'Virtual keys, oldest first, with what each used', query: keyPage, answer: 'VirtualKeys' },
  'POST /admin/virtual-keys': { ...admin, summary: 'Make a key; its secret is in this answer and in no other', body: 'NewVirtualKey', retried: true, status: 201, answer: 'IssuedKey' },
  'GET /admin/virtual-keys/limits': { ...admin, summary: 'Limits of projects, and of everybody together', answer: 'SharedLimits' },
  'PATCH /admin/virtual-keys/limits': { ...admin, summary: 'Change them; null takes one away', body: 'SharedLimitsChange', answer: 'SharedLimits' },
  'GET /admin/virtual-keys/{id}': { ...admin, summary: 'One key', answer: 'VirtualKey' },
  'PATCH /admin/virtual-keys/{id}': { ...admin, summary: 'Change a key; null takes a field away', body: 'VirtualKeyChange', answer: 'VirtualKey' },
  'DELETE /admin/virtual-keys/{id}': { ...admin, summary: 'Revoke a key for ever; again is no mistake', answer: 'VirtualKey' },
  'POST /admin/virtual-keys/{id}/rotate': { ...admin, summary: 'A new secret; the old one stops working at once', retried: true, answer: 'IssuedKey' },
  'GET /admin/usage-stats': { ...admin, summary: 'Usage, cost and savings', query: statsParameters, answer: 'Usage', also: 'text/csv' },
  'GET /admin/requests': { ...admin, summary: 'The record: each request and its attempts, newest first', query: requestsPage, answer: 'RecordedRequests' },
  'GET /admin/activity': { ...admin, summary: 'The recent past in short steps', query: activityParameters, answer: 'Activity' },
  'GET /admin/events': { ...admin, summary: 'What happens, as it happens', also: EVENTS },
  'POST /admin/chat': { ...ask, ...admin, summary: 'A chat of the operator’s own', body: 'ChatRequest', answer: 'ChatCompletion' },
  'GET /admin/providers': { ...admin, summary: 'The catalogue', query: idPage, answer: 'Providers' },
  'POST /admin/explain': { ...admin, summary: 'Which rule a prompt takes and why, and who could answer when', body: 'Question', answer: 'Explanation' },
  'GET /admin/cooldowns': { ...admin, summary: 'Who rests until when', query: placePage, answer: 'Cooldowns' },
  'GET /admin/breakers': { ...admin, summary: 'What has failed of late, how often, and what is left out for it', query: placePage, answer: 'Breakers' },
  'DELETE /admin/cooldowns': { ...admin, summary: 'End rests by hand', query: restsParameters, answer: 'Cleared' },
  'GET /admin/rules': { ...admin, summary: 'The rules in force', answer: 'Rules' },
  'GET /admin/rules/source': { ...admin, summary: 'The rules as they are written', answer: 'RulesSource' },
  'PUT /admin/rules/source': { ...admin, summary: 'Others in their place, and in force', body: 'RulesSaving', answer: 'SavedRules', versioned: true },
  'POST /admin/rules/check': { ...admin, summary: 'Whether other rules would do', body: 'RulesText', answer: 'RulesVerdict' },
  'GET /admin/vault': { ...admin, summary: 'Whether the vault is open, and what opens it', answer: 'Vault' },
  'GET /admin/vault/audit': { ...admin, summary: 'Who did what to the vault, newest first', query: idPage, answer: 'AuditTrail' },
  'POST /admin/vault/lock': { ...admin, summary: 'Lock it', answer: 'Vault' },
  'POST /admin/vault/unlock': { ...admin, summary: 'Unlock it', body: 'VaultUnlocking', answer: 'Vault', unlocked: true },
  'POST /admin/vault/rotate': { ...admin, summary: 'A new data key', answer: 'Vault', unlocked: true },
};

/** Questions of which only the model is read. */
function relayed(path: string): Operation {
  const { surface, streams, body, form } = RELAY_KINDS[path] ?? {};
  return {
    ...ask,
    summary: `${path.slice(1)}, as OpenAI has it`,
    body: nameOf(body),
    ...(form && { form: nameOf(form) }),
    ...(streams !== true && { answer: surface === 'embeddings' ? 'Embeddings' : form && surface === 'audio' ? 'Transcription' : 'Anything' }),
    also: streams === true ? '*/*' : EVENTS,
  };
}
