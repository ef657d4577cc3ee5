/** `/openapi.json`: every route there is. Bodies come from the schemas that validate them, where there are such. */
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { chatBody } from '../surfaces/chat.ts';
import { GROUPS } from '../usage/stats.ts';

type Schema = Readonly<Record<string, unknown>>;

const chatSchema: Schema = z.toJSONSchema(chatBody, { io: 'input' });

interface Operation {
  readonly summary: string;
  /** Who may: a virtual key, the operator, or anybody. */
  readonly by: 'key' | 'admin' | 'anybody';
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: readonly string[];
  readonly body?: Schema;
  readonly status?: number;
  readonly answer?: string;
}

const anything: Schema = { type: 'object', additionalProperties: true };
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({ type: 'object', properties, required, additionalProperties: false });
const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };

const limits: Schema = { type: 'object', additionalProperties: { type: 'number', minimum: 0 }, description: '`requests_per_minute`, `tokens_per_day`, `usd_per_month` … for minute, day, week, month and total' };
const terms = {
  name: text,
  project: text,
  models: { type: 'array', items: text },
  surfaces: { type: 'array', items: text },
  limits,
  user_limits: limits,
  priority: { type: 'integer', minimum: 0, maximum: 9 },
  expires_at: { type: 'string', format: 'date-time' },
} satisfies Readonly<Record<string, Schema>>;

const PAGE = { after: 'What the page before gave as `next`.', limit: 'Rows of a page.' };
const STATS = { by: `Up to three of ${GROUPS.join(', ')}, with commas.`, since: '`7d`, `4w`, `2026-08-01` or `2026-08`.', until: 'The first day no longer counted.', ...PAGE };
const WISHES = ['x-tollfree-deadline-ms', 'x-tollfree-priority', 'x-tollfree-cache', 'x-tollfree-max-context-tokens'];
const EVENTS = 'text/event-stream';

/** By `METHOD path`. A test holds them against the routes the program has. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /v1/chat/completions': { summary: 'A chat, in OpenAI’s form; `dry_run` only estimates', by: 'key', headers: WISHES, body: chatSchema },
  'POST /v1/completions': { summary: 'A completion, in OpenAI’s older form', by: 'key', headers: WISHES, body: anything },
  'POST /v1/responses': { summary: 'A response, in OpenAI’s newer form', by: 'key', headers: WISHES, body: anything },
  'POST /v1/messages': { summary: 'A message, in Anthropic’s form', by: 'key', headers: WISHES, body: anything },
  'POST /v1/messages/count_tokens': { summary: 'Tokens of a message, estimated', by: 'key', body: anything },
  'POST /v1/{path}': { summary: 'Anything else a provider has there: embeddings, audio, images, moderations', by: 'key', body: anything },
  'GET /v1/models': { summary: 'Everything that may stand in `model`', by: 'key' },
  'GET /v1/models/{id}': { summary: 'One of them', by: 'key' },
  'GET /v1/usage': { summary: 'What the key that asks has used', by: 'key', query: STATS },
  'GET /health': { summary: 'How it is, for people', by: 'anybody' },
  'GET /health/live': { summary: 'It runs', by: 'anybody' },
  'GET /health/ready': { summary: 'It can answer; 503 where not', by: 'anybody' },
  'GET /metrics': { summary: 'Prometheus', by: 'anybody', answer: 'text/plain' },
  'GET /openapi.json': { summary: 'This', by: 'anybody' },
  'GET /dashboard': { summary: 'The dashboard', by: 'anybody', status: 308, answer: 'text/html' },
  'POST /admin/session': { summary: 'Open a session with the admin token', by: 'anybody', body: object({ token: text }, ['token']), status: 201 },
  'GET /admin/session': { summary: 'Whether a session is open, and until when', by: 'anybody' },
  'DELETE /admin/session': { summary: 'Close the session', by: 'admin', status: 204 },
  'GET /admin/accounts': { summary: 'Accounts, their windows and rests', by: 'admin' },
  'POST /admin/accounts': { summary: 'Seal a key', by: 'admin', body: object({ provider: text, key: text, label: text, organization: text, check: flag }, ['provider', 'key']), status: 201 },
  'POST /admin/accounts/{id}/test': { summary: 'Ask the provider whether the key is good', by: 'admin' },
  'PATCH /admin/accounts/{id}': { summary: 'Rename, enable or disable', by: 'admin', body: object({ enabled: flag, label: text }) },
  'DELETE /admin/accounts/{id}': { summary: 'Forget the key', by: 'admin', status: 204 },
  'GET /admin/virtual-keys': { summary: 'Virtual keys, oldest first, with what each used', by: 'admin', query: { ...PAGE, project: 'Only this project’s.' } },
  'POST /admin/virtual-keys': { summary: 'Make a key; its secret is in this answer and in no other', by: 'admin', body: object(terms, ['name']), status: 201 },
  'GET /admin/virtual-keys/limits': { summary: 'Limits of projects, and of everybody together', by: 'admin' },
  'PATCH /admin/virtual-keys/limits': { summary: 'Change them; null takes one away', by: 'admin', body: object({ all: limits, projects: { type: 'object', additionalProperties: { anyOf: [limits, { type: 'null' }] } } }) },
  'GET /admin/virtual-keys/{id}': { summary: 'One key', by: 'admin' },
  'PATCH /admin/virtual-keys/{id}': { summary: 'Change a key; null takes a field away', by: 'admin', body: object(Object.fromEntries(Object.entries(terms).map(([name, schema]) => [name, { anyOf: [schema, { type: 'null' }] }]))) },
  'DELETE /admin/virtual-keys/{id}': { summary: 'Revoke a key for ever; again is no mistake', by: 'admin' },
  'POST /admin/virtual-keys/{id}/rotate': { summary: 'A new secret; the old one stops working at once', by: 'admin' },
  'GET /admin/usage-stats': { summary: 'Usage, cost and savings', by: 'admin', query: { ...STATS, format: '`json` or `csv`.' } },
  'GET /admin/activity': { summary: 'The recent past in short steps', by: 'admin', query: { range: '`hour` or `day`.' } },
  'GET /admin/events': { summary: 'What happens, as it happens', by: 'admin', answer: EVENTS },
  'POST /admin/chat': { summary: 'A chat of the operator’s own', by: 'admin', headers: WISHES, body: chatSchema },
  'GET /admin/providers': { summary: 'The catalogue', by: 'admin' },
  'POST /admin/explain': { summary: 'Which rule a prompt takes and why, and who could answer when', by: 'admin', body: anything },
  'GET /admin/cooldowns': { summary: 'Who rests until when', by: 'admin' },
  'GET /admin/breakers': { summary: 'What has failed of late, how often, and what is left out for it', by: 'admin' },
  'DELETE /admin/cooldowns': { summary: 'End rests by hand', by: 'admin', query: { account: 'Only this account’s.' } },
  'GET /admin/rules': { summary: 'The rules in force', by: 'admin' },
  'GET /admin/rules/source': { summary: 'The rules as they are written', by: 'admin' },
  'POST /admin/rules/check': { summary: 'Whether other rules would do', by: 'admin', body: anything },
  'GET /admin/vault': { summary: 'Whether the vault is open, and what opens it', by: 'admin' },
  'GET /admin/vault/audit': { summary: 'Who did what to the vault', by: 'admin' },
  'POST /admin/vault/lock': { summary: 'Lock it', by: 'admin' },
  'POST /admin/vault/unlock': { summary: 'Unlock it', by: 'admin', body: anything },
  'POST /admin/vault/rotate': { summary: 'A new data key', by: 'admin' },
};

const SECURITY: Readonly<Record<Operation['by'], readonly Schema[]>> = { key: [{ virtualKey: [] }, { xApiKey: [] }], admin: [{ adminToken: [] }], anybody: [] };

function tellOperation(name: string, { summary, by, query = {}, headers = [], body, status = 200, answer = 'application/json' }: Operation): Schema {
  const [method = '', path = ''] = name.split(' ');
  const parameter = (place: string, required: boolean) => (parameterName: string): Schema => ({ name: parameterName, in: place, required, schema: text });
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, found = '']) => found);
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    security: SECURITY[by],
    parameters: [
      ...inPath.map(parameter('path', true)),
      ...Object.entries(query).map(([found, description]) => ({ ...parameter('query', false)(found), description })),
      ...headers.map(parameter('header', false)),
    ],
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      [status]: { description: 'done', ...(status < 300 && status !== 204 && { content: { [answer]: { schema: answer === 'application/json' ? anything : text } } }) },
      default: { description: 'what went wrong', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    },
  };
}

export function openApiDocument(version: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = name.split(' ');
    (paths[path] ??= {})[method.toLowerCase()] = tellOperation(name, operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'tollfree', version, description: 'Every free LLM tier you hold, behind one OpenAI-compatible endpoint.', license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        virtualKey: { type: 'http', scheme: 'bearer', description: 'A virtual key, or a signed token. Open while there is no key and only this machine can call.' },
        xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        adminToken: { type: 'http', scheme: 'bearer', description: 'The admin token; a session cookie serves the dashboard.' },
      },
      schemas: {
        Error: { type: 'object', required: ['error'], properties: { error: { type: 'object', required: ['message', 'type', 'code'], properties: { message: text, type: text, param: { type: ['string', 'null'] }, code: { type: ['string', 'null'] }, request_id: text, attempts: { type: 'array', items: anything } } } } },
      },
    },
  };
}

export function openApiRoute(version: string): RequestHandler {
  const document = openApiDocument(version);
  return (_request, response) => void response.json(document);
}
