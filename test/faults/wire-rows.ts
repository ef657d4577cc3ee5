/** Answers on the wire that no provider's simulation gives: other versions of HTTP, other forms of JSON, refusals nobody has recorded. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { FaultRuleInput } from '../../src/sim/fault-table.ts';
import { row } from './rows.ts';
import type { Row } from './rows.ts';

type Fault = FaultRuleInput['fault'];

const event = (content: string, finish: string | null = null): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const GOOD = {
  stream: `${event('Once')}${event(' upon')}${event('', 'stop')}data: [DONE]\n\n`,
  json: JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'Once upon' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }),
};
const TYPES = { stream: 'text/event-stream', json: 'application/json' } as const;
const CLOSE = 'connection: close\r\n';

const latin1 = (packed: Uint8Array): string => Buffer.from(packed).toString('latin1');
const bytes = (text: string): Fault => ({ kind: 'bytes', text });
/** `write` puts the good body of either form on the wire. */
const wire = (write: (body: string, type: string) => string): Row['fault'] => ({ stream: bytes(write(GOOD.stream, TYPES.stream)), json: bytes(write(GOOD.json, TYPES.json)) });
const chunked = (body: string, end = '\r\n'): string => `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n${end}`;
const packed = (encoding: string, pack: (body: string) => Uint8Array): Row['fault'] => wire((body, type) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: ${encoding}\r\n${CLOSE}\r\n${latin1(pack(body))}`);
const said = (status: number, body: string, headers = 'content-type: application/json\r\n'): Fault => bytes(`HTTP/1.1 ${status} Whatever\r\n${headers}${CLOSE}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
const json = (status: number, body: unknown): Fault => said(status, JSON.stringify(body));

const versions: readonly Row[] = [
  row('HTTP/1.0, ended by closing', wire((body, type) => `HTTP/1.0 200 OK\r\ncontent-type: ${type}\r\n\r\n${body}`), 'first', 200),
  row('HTTP/1.0, cut by closing', wire((body, type) => `HTTP/1.0 200 OK\r\ncontent-type: ${type}\r\n\r\n${body.slice(0, 110)}`), ['event', 'next'], 503),
  row('early hints', wire((body, type) => `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${CLOSE}\r\n${body}`), 'first', 200),
  row('processing, twice', wire((body, type) => `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${CLOSE}\r\n${body}`), 'first', 200),
  row('continue, which nobody asked for', wire((body, type) => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${CLOSE}\r\n${body}`), 'again', 503),
  row('another protocol', bytes('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'), 'again', 503),
  row('trailers', wire((body, type) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n${CLOSE}\r\n${chunked(body, 'x-sum: 7\r\n\r\n')}`), 'first', 200),
  row('a chunk with an extension', wire((body, type) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n${CLOSE}\r\n${chunked(body).replace('\r\n', ';name=value\r\n')}`), 'first', 200),
  row('12 KB of headers', wire((body, type) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nx-padding: ${'x'.repeat(12_000)}\r\n${CLOSE}\r\n${body}`), 'first', 200),
  row('two lengths', wire((body, type) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\ncontent-length: 7\r\n\r\n${body}`), 'next', 503),
  row('a length and chunks', wire((body, type) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n${chunked(body)}`), 'next', 503),
  row('no content', bytes(`HTTP/1.1 204 No Content\r\n${CLOSE}\r\n`), 'next', 503),
  row('not modified', bytes(`HTTP/1.1 304 Not Modified\r\n${CLOSE}\r\n`), 'next', 503),
  row('a status nobody knows', said(799, 'no'), 'next', 503),
];

const encodings: readonly Row[] = [
  row('gzip, unasked', packed('gzip', gzipSync), 'first', 200),
  row('deflate, unasked', packed('deflate', deflateSync), 'first', 200),
  row('br, unasked', packed('br', brotliCompressSync), 'first', 200),
  row('an encoding written in capitals', packed('GZIP', gzipSync), 'first', 200),
  row('two encodings, one on the other', packed('gzip, br', (body) => brotliCompressSync(gzipSync(body))), 'next', 503),
  row('an encoding that is none', packed('identity', (body) => Buffer.from(body)), 'first', 200),
  row('an encoding without a name', packed('', (body) => Buffer.from(body)), 'first', 200),
  row('zstd, unasked', packed('zstd', () => Buffer.from('(\u00b5/\u00fd', 'latin1')), 'next', 503),
  row('a refusal in zstd', bytes(`HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-encoding: zstd\r\n${CLOSE}\r\n(\u00b5/`), 'next', 429, { retryAfter: [6, 7], rests: ['pool-model rate-minute'] }),
];

const delta = (fields: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason: null }] })}\n\n`;
const stream = (body: string): Fault => said(200, body, 'content-type: text/event-stream\r\n');

/** What commits and what does not: each followed by an end that is none. */
const beginnings: readonly Row[] = [
  row('a tool call, then the end', stream(delta({ tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'look', arguments: '' } }] })), ['event', 'next'], 503),
  row('a thought, then the end', stream(delta({ reasoning: 'Hm' })), ['event', 'next'], 503),
  row('a thought by its other name, then the end', stream(delta({ reasoning_content: 'Hm' })), ['event', 'next'], 503),
  row('a refusal to answer, then the end', stream(delta({ refusal: 'No' })), ['event', 'next'], 503),
  row('a role, then the end', stream(delta({ role: 'assistant' })), 'next', 503),
  row('a role and empty words, then the end', stream(delta({ role: 'assistant', content: '', tool_calls: [] })), 'next', 503),
  row('comments, then the end', stream(': thinking\n\n: thinking\n\n'), 'next', 503),
  row('usage, then the end', stream('data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3}}\n\n'), 'next', 503),
];

const ended = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const nested = (levels: number): string => `data: {"choices":[{"index":0,"delta":{"content":"Once","odd":${'['.repeat(levels)}${']'.repeat(levels)}},"finish_reason":null}]}\n\n`;

/** Odd, and whole: or odd enough to be nobody's answer. */
const events: readonly Row[] = [
  row('an event in several lines', stream(`data: {"choices":[{"index":0,\ndata: "delta":{"content":"Once"},\ndata:\ndata: "finish_reason":null}]}\n\n${ended}`), 'first', 200),
  row('an end, then an empty piece with the usage', stream(`${delta({ content: 'Once' })}${ended.replace('data: [DONE]\n\n', '')}data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: [DONE]\n\n`), 'first', 200),
  row('an end, then more words', stream(`${delta({ content: 'Once' })}${ended.replace('data: [DONE]\n\n', '')}${delta({ content: ' upon' })}data: [DONE]\n\n`), 'first', 200),
  ...['error', 'network_error', 'insufficient_system_resource'].map((reason) => row(`an end that says it gave up: ${reason}`, stream(`${delta({ content: 'Once' })}${ended.replace('stop', reason)}`), ['event', 'next'], 503, { rests: ['account-model broken-answer'] })),
  row('an end twice', stream(`${delta({ content: 'Once' })}${ended}${ended}`), 'first', 200),
  row('usage after [DONE]', stream(`${delta({ content: 'Once' })}${ended}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n`), 'first', 200),
  row('[DONE] without an end', stream(`${delta({ content: 'Once' })}data: [DONE]\n\n`), ['event', 'next'], 503),
  row('a tool call with a number out of all bounds', stream(`${delta({ tool_calls: [{ index: 4_000_000_000, id: 'x', type: 'function', function: { name: 'look', arguments: '{}' } }] })}${ended}`), 'first', 200),
  row('an event nested deep', stream(`${delta({ content: JSON.parse(`${'['.repeat(900)}${']'.repeat(900)}`) as unknown })}${ended}`), 'first', 200),
  row('an event nested without end', stream(`${nested(50_000)}${ended}`), 'next', 503),
  row('an event nested without end, mid-stream', stream(`${delta({ content: 'Once' })}${nested(50_000)}${ended}`), ['event', 'next'], 503),
  row('an answer nested without end', said(200, `{"choices":[{"index":0,"message":{"role":"assistant","content":${'['.repeat(50_000)}${']'.repeat(50_000)}},"finish_reason":"stop"}]}`), 'next', 503),
];

const forms: readonly Row[] = [
  row('the type of a page', wire((body) => `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n${CLOSE}\r\n${body}`), 'first', 200),
  row('the type of bytes', wire((body) => `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n${CLOSE}\r\n${body}`), 'first', 200),
  row('no type', wire((body) => `HTTP/1.1 200 OK\r\n${CLOSE}\r\n${body}`), 'first', 200),
  ...['null', '""', '[]', '{}', '7', 'Service Unavailable', '{"choices":[]}', '{"choices":null}', '{"choices":"no"}', '{"id":"x","object":"chat.completion"}'].map((body) => row(`${body} for an answer`, said(200, body), 'next', 503)),
  row('half of a JSON answer', said(200, GOOD.json.slice(0, 60)), 'next', 503),
  row('a JSON answer twice', said(200, GOOD.json.repeat(2)), 'next', 503),
  row('an error in a choice', json(200, { choices: [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'error', error: { code: 429, message: 'Rate limit exceeded' } }] }), 'next', 429, { rests: ['pool-model rate-minute'] }),
  row('an error in a list', json(200, [{ error: { code: 429, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED' } }]), 'next', 429, { rests: ['pool-model rate-minute'] }),
  row('errors in a list', json(200, { errors: [{ code: 3040, message: 'out of capacity' }], success: false }), 'again', 503),
  row('errors and no word of success', json(200, { errors: [{ message: 'out of capacity' }] }), 'next', 503),
  row('an error that is a text', json(200, { error: 'model is overloaded' }), 'next', 503),
  row('an error inside an error', json(200, { error: { error: { message: 'Rate limit exceeded', code: 429 } } }), 'next', 429),
  row('a message and a number', json(200, { code: 50_505, message: 'Model service overloaded. Please try again later.', data: null }), 'next', 503),
];

/** As Cloudflare writes its own refusals for whoever asks for JSON. */
const cloudflare = (status: number, code: number, detail: string): object => ({ type: `https://developers.cloudflare.com/error-${code}/`, title: `Error ${code}`, status, detail, error_code: code, cloudflare_error: true, retryable: false });

const refusals: readonly Row[] = [
  row('a 400 without a word', said(400, ''), 'next', 503),
  row('a 400 of an empty object', json(400, {}), 'next', 400, { rests: [] }),
  row('a 418', json(418, { teapot: true }), 'next', 400, { rests: [] }),
  row('a 418 that says why', json(418, { error: { message: 'short and stout' } }), 'next', 400, { rests: [] }),
  row('a 418 without a word', said(418, '', ''), 'next', 400, { rests: [] }),
  row('a 451 without a word', said(451, ''), 'next', 503),
  row('a 422 of an unknown shape', json(422, { reason: { why: 'odd' } }), 'next', 400, { rests: [] }),
  row('a 499', json(499, { error: 'client closed request' }), 'again', 503),
  row('a 429 page', said(429, '<html>slow down</html>', 'content-type: text/html\r\nretry-after: 9\r\n'), 'next', 429, { retryAfter: [8, 9], rests: ['pool-model rate-minute'] }),
  row('a 503 with its time', said(503, '{"error":{"message":"busy"}}', 'content-type: application/json\r\nretry-after: 30\r\n'), 'next', 503, { retryAfter: [28, 30], rests: ['target overloaded'] }),
  row('a 403 of an edge filter in JSON', json(403, cloudflare(403, 1010, 'Access denied')), 'next', 503, { rests: ['provider overloaded'] }),
  row('a 404 of an edge in JSON', json(404, cloudflare(404, 1042, 'nope')), 'next', 503, { rests: ['provider overloaded'] }),
  row('a 502 page', said(502, '<html><body>Bad Gateway</body></html>', 'content-type: text/html\r\n'), 'again', 503),
];

export const wireRows: readonly Row[] = [...versions, ...encodings, ...beginnings, ...events, ...forms, ...refusals];
