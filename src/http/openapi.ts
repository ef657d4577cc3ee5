/** `/openapi.json`: written from the schemas that validate what is sent, and the table of failures. */
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { consequences } from '../failure.ts';
import { ANSWER_HEADERS } from './answer-headers.ts';
import { ANSWERS } from './answers.ts';
import { WISHES } from './arrival.ts';
import { BODIES, OPERATIONS } from './operations.ts';
import type { Operation } from './operations.ts';
import { IDEMPOTENCY_KEY, IDEMPOTENCY_MEANS } from './retries.ts';

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const schemaNamed = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string): Schema => ({ 'application/json': { schema: schemaNamed(name) } });

const SECURITY: Readonly<Record<Operation['by'], readonly Schema[]>> = { key: [{ virtualKey: [] }, { xApiKey: [] }], admin: [{ adminToken: [] }], anybody: [] };

/** Nobody is left to read it. */
const UNREAD = 499;

function tellOperation(name: string, operation: Operation): Schema {
  const { summary, by, query, body, form, asks, retried, status = 200, answer, also } = operation;
  const [method = '', path = ''] = name.split(' ');
  const content = { ...(answer && json(answer)), ...(also && { [also]: { schema: also === '*/*' ? {} : text } }) };
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    security: SECURITY[by],
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, found = '']) => ({ name: found, in: 'path', required: true, schema: text })),
      ...(query === undefined ? [] : parametersOf(query)),
      ...[...(asks ? Object.keys(WISHES) : []), ...(retried ? [IDEMPOTENCY_KEY] : [])].map((header) => ({ $ref: `#/components/parameters/${header}` })),
    ],
    ...(body && { requestBody: { required: true, content: { ...json(body), ...(form && { 'multipart/form-data': { schema: schemaNamed(form) } }) } } }),
    responses: {
      [status]: { description: 'done', ...(asks && { headers: tellHeaders(Object.keys(ANSWER_HEADERS)) }), ...(Object.keys(content).length > 0 && { content }) },
      ...(path === '/health/ready' && { 503: { description: 'not now', content: json('Readiness') } }),
      ...Object.fromEntries(failuresOf(path, operation).map((failed) => [failed, { $ref: `#/components/responses/${operation.envelope ?? 'Error'}${failed}` }])),
    },
  };
}

function parametersOf(query: z.ZodObject): readonly Schema[] {
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as Schema;
    return { name, in: 'query', required: false, schema, ...(description !== undefined && { description }) };
  });
}

const tellHeaders = (names: readonly string[]): Schema => Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const every = [...new Set(Object.values(consequences).map(({ status }) => status))].filter((status) => status !== UNREAD).toSorted((a, b) => a - b);

function failuresOf(path: string, { by, body, query, asks, retried, unlocked, versioned }: Operation): readonly number[] {
  const possible = new Set([421, 500]);
  const add = (...statuses: readonly number[]): unknown => statuses.forEach((status) => possible.add(status));
  if (asks) add(...every.filter((status) => status !== 405));
  if (by !== 'anybody') add(401, 403);
  if (path.startsWith('/v1/')) add(503);
  if (path.startsWith('/admin/')) add(429);
  if (query || retried) add(400);
  if (body) add(400, 413, 415);
  if (path.includes('{')) add(404);
  if (unlocked) add(400, 503);
  if (versioned) add(409);
  if (path === '/admin/session') add(401);
  if (path === '/admin/events') add(503);
  return [...possible].toSorted((a, b) => a - b);
}

/** What may be the matter, by the codes that say so. */
function tellFailure(status: number, envelope: string): Schema {
  const codes = new Set(Object.values(consequences).flatMap((row) => (row.status === status ? [row.code] : [])));
  return { description: [...codes].map((code) => `\`${code}\``).join(', '), ...([429, 503].includes(status) && { headers: tellHeaders(['retry-after']) }), content: json(envelope) };
}

/** Each schema once; what one has in common with another is a reference. */
function tellSchemas(): Readonly<Record<string, Schema>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries({ ...BODIES, ...ANSWERS })) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$id' && key !== '$schema'))]));
}

function tellWish(name: keyof typeof WISHES): Schema {
  const wish = WISHES[name];
  const schema = 'values' in wish ? { type: 'string', enum: wish.values } : { type: 'integer', minimum: wish.least, maximum: wish.most };
  return { name, in: 'header', required: false, description: wish.means, schema };
}

function openApiDocument(version: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = name.split(' ');
    (paths[path] ??= {})[method.toLowerCase()] = tellOperation(name, operation);
  }
  const headers = { ...ANSWER_HEADERS, 'retry-after': 'Seconds, rounded up to the earliest true time.' };
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
      parameters: {
        ...Object.fromEntries((Object.keys(WISHES) as (keyof typeof WISHES)[]).map((name) => [name, tellWish(name)])),
        [IDEMPOTENCY_KEY]: { name: IDEMPOTENCY_KEY, in: 'header', required: false, description: IDEMPOTENCY_MEANS, schema: { ...text, minLength: 1, maxLength: 255 } },
      },
      headers: Object.fromEntries(Object.entries(headers).map(([name, description]) => [name, { description, schema: text }])),
      responses: Object.fromEntries(['Error', 'AnthropicError'].flatMap((envelope) => every.map((status) => [`${envelope}${status}`, tellFailure(status, envelope)]))),
      schemas: tellSchemas(),
    },
  };
}

/** Made when it is first asked for: it takes as long as the rest of the routes together, and most daemons are never asked. */
export function openApiRoute(version: string): RequestHandler {
  const made: { document?: Schema } = {};
  return (_request, response) => void response.json((made.document ??= openApiDocument(version)));
}
