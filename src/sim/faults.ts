/**
 * What a fault does to an answer: one list of steps becomes another. Pure; endless faults are lazy.
 */
import { gzipSync } from 'node:zlib';
import type { Fault, Point, SHAPES } from './fault-table.ts';
import { named } from './plan.ts';
import type { Plan } from './plan.ts';
import { replyScript, write } from './script.ts';
import type { Step } from './script.ts';
import type { Answer, Headers, JsonObject, Scene, Wire } from './types.ts';

type Shape = (typeof SHAPES)[number];

const END: Step = { do: 'end' };
const SOON: Step = { do: 'wait', ms: 0 };
/**
 * Long enough for the reader to take what was sent: libuv reports bytes and a reset that come together as an end. One in this
 * very process gets a turn of the loop for it, however late the timer was.
 */
const TAKEN: readonly Step[] = [{ do: 'wait', ms: 20 }, SOON];

export function playFault(fault: Fault, plan: Plan, wire: Wire, wires: Readonly<Record<string, Wire>>): Iterable<Step> {
  const { scene, script, chat } = plan;
  switch (fault.kind) {
    case 'answer':
      return replyScript({ status: fault.status, body: fault.body, headers: given(fault.headers) });
    case 'refusal': {
      const reply = named(wire, fault.name, scene);
      const status = fault.status ?? reply.status;
      return replyScript({ ...reply, status, headers: given({ ...wire.headers(reply.status, [], scene), ...lowerCased(reply.headers ?? {}), ...lowerCased(fault.headers) }) });
    }
    case 'html':
      return replyScript({ status: fault.status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: PORTAL });
    case 'empty':
      return chat?.render({ reasoning: [], content: [], toolCalls: [], finish: 'stop' }, chat.stream) ?? script;
    case 'swap':
      return chat?.render(chat.answer, !chat.stream) ?? script;
    case 'refused':
      return script;
    case 'silence':
      return [...divide(script, fault.after).before, { do: 'hang' }];
    case 'reset':
      return [...divide(script, fault.after).before, ...(fault.after === 'request' ? [] : TAKEN), { do: 'reset' }];
    case 'close':
      return [...divide(script, fault.after).before, SOON, { do: 'close' }];
    case 'slow':
      return [{ do: 'wait', ms: fault.ms }, ...script];
    case 'status-line':
      return [raw(`${fault.text}\r\n\r\n`), { do: 'close' }];
    case 'bytes':
      return [raw(fault.text, 'latin1'), { do: 'close' }];
    case 'oversized-headers':
      return withHeaders(script, (headers) => ({ ...headers, 'x-padding': 'x'.repeat(fault.bytes) }));
    case 'bad-chunk':
      return [...divide(unmeasured(script), fault.after).before, raw('zz\r\nnot a chunk\r\n'), { do: 'close' }];
    case 'length':
      return [...withHeaders(script, (headers) => ({ ...headers, 'content-length': String(bodyOf(script).length + fault.by) })).slice(0, -1), SOON, { do: 'close' }];
    case 'gzip':
      return whole(script, gzipped(fault, bodyOf(script)), { 'content-encoding': 'gzip' });
    case 'end':
      return [...divide(unmeasured(script), fault.after).before, END];
    case 'cut':
      return whole(unmeasured(script), bodyOf(script).subarray(0, Math.floor(bodyOf(script).length / 2)), {});
    case 'leave-out':
      return without(plan, fault.parts);
    case 'malformed':
      return inserted(unmeasured(script), fault.after, [write('body', `data: ${fault.text}\n\n`)]);
    case 'error-event':
      return erring(fault, plan, wire, wires);
    case 'comments':
      return commenting(fault, script);
    case 'long-event':
      return longEvent(fault, script);
    case 'endless':
      return endless(fault, script);
    case 'framing':
      return reframed(fault, script);
  }
}

const raw = (text: string, encoding: BufferEncoding = 'utf8'): Step => ({ do: 'raw', bytes: Buffer.from(text, encoding) });

const given = (headers: Readonly<Record<string, string | null>>): Headers =>
  Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null));

const lowerCased = <T>(headers: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const withHeaders = (script: readonly Step[], change: (headers: Headers) => Headers): Step[] =>
  script.map((step) => (step.do === 'head' ? { ...step, headers: change(step.headers) } : step));

/** Without a stated length, so that any end of the body is a good end for HTTP. */
const unmeasured = (script: readonly Step[]): Step[] => withHeaders(script, ({ 'content-length': _length, ...headers }) => headers);

const bodyOf = (script: readonly Step[]): Buffer => Buffer.concat(script.flatMap((step) => (step.do === 'write' ? [step.bytes] : [])));

/** Head, one write, end. */
const whole = (script: readonly Step[], body: Buffer, extra: Headers): Step[] => [
  ...withHeaders(unmeasured(script), (headers) => ({ ...headers, ...extra })).filter((step) => step.do === 'head' || step.do === 'wait'),
  { do: 'write', part: 'body', bytes: body },
  END,
];

interface Divided {
  readonly before: readonly Step[];
  readonly rest: readonly Step[];
}

/** Splits a script at a point in time. Further content than there is means just before the end of the answer. */
function divide(script: readonly Step[], after: Point): Divided {
  const at = (index: number): Divided => ({ before: script.slice(0, index), rest: script.slice(index) });
  if (after === 'request') return at(0);
  const afterHead = script.findIndex((step) => step.do === 'head') + 1;
  if (after === 'headers') return at(afterHead);
  const body = script.findIndex((step) => step.do === 'write' && step.part === 'body');
  if (body !== -1) return halved(script, body);
  let count = 0;
  const next = script.findIndex((step) => step.do === 'write' && step.part === 'content' && (count += 1) > after);
  return at(next === -1 ? script.findIndex((step) => step.do === 'write' && ['finish', 'usage', 'done'].includes(step.part)) : next);
}

function halved(script: readonly Step[], index: number): Divided {
  const step = script[index];
  if (step?.do !== 'write') return { before: script, rest: [] };
  const middle = Math.floor(step.bytes.length / 2);
  return {
    before: [...script.slice(0, index), { ...step, bytes: step.bytes.subarray(0, middle) }],
    rest: [{ ...step, bytes: step.bytes.subarray(middle) }, ...script.slice(index + 1)],
  };
}

function inserted(script: readonly Step[], after: Point, steps: readonly Step[]): Step[] {
  const { before, rest } = divide(script, after);
  return [...before, ...steps, ...rest];
}

const unreported = ({ usage: _usage, ...answer }: Answer): Answer => answer;

function without({ script, chat }: Plan, parts: readonly string[]): Step[] {
  // Where usage rides on the last chunk, the answer has to be rendered without it.
  const rendered = chat !== undefined && parts.includes('usage') ? chat.render(unreported(chat.answer), chat.stream) : script;
  return rendered.filter((step) => step.do !== 'write' || !parts.includes(step.part));
}

function erring({ after, shape, next }: Extract<Fault, { kind: 'error-event' }>, { scene, script, chat }: Plan, wire: Wire, wires: Readonly<Record<string, Wire>>): Step[] {
  const error = errorOf(shape, scene, wire, wires);
  if (chat?.stream !== true) return replyScript({ status: 200, body: error });
  const name = shape === 'anthropic' ? 'event: error\n' : '';
  const event = write('body', `${name}data: ${JSON.stringify(error)}\n\n`);
  const { before, rest } = divide(script, after);
  if (next === 'continue') return [...before, event, ...rest];
  return [...before, event, ...(next === 'done' ? [write('done', 'data: [DONE]\n\n')] : []), END];
}

function errorOf(shape: Shape, scene: Scene, wire: Wire, wires: Readonly<Record<string, Wire>>): JsonObject {
  if (shape === 'openai') return { error: { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null } };
  if (shape === 'anthropic') return { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  return (wires[shape] ?? wire).streamError(scene);
}

function* commenting({ after, ms, text }: Extract<Fault, { kind: 'comments' }>, script: readonly Step[]): Iterable<Step> {
  yield* divide(unmeasured(script), after).before;
  for (;;) {
    yield write('comment', `: ${text}\n\n`);
    yield { do: 'wait', ms };
  }
}

const PIECE_BYTES = 64 * 1024;

function* longEvent({ after, bytes }: Extract<Fault, { kind: 'long-event' }>, script: readonly Step[]): Iterable<Step> {
  yield* divide(unmeasured(script), after).before;
  yield write('body', 'data: {"choices":[{"index":0,"delta":{"content":"');
  const piece = Buffer.alloc(PIECE_BYTES, 'x');
  for (let left = bytes; left > 0; left -= PIECE_BYTES) yield { do: 'write', part: 'body', bytes: piece.subarray(0, Math.min(left, PIECE_BYTES)) };
  yield END;
}

function* endless({ ms }: Extract<Fault, { kind: 'endless' }>, script: readonly Step[]): Iterable<Step> {
  const content = script.find((step) => step.do === 'write' && (step.part === 'content' || step.part === 'body'));
  yield* divide(unmeasured(script), 1).before;
  for (;;) {
    if (content !== undefined) yield content;
    if (ms > 0 || content === undefined) yield { do: 'wait', ms };
  }
}

const NEWLINES = { lf: '\n', crlf: '\r\n', cr: '\r' } as const;

function* reframed({ bytes, ms, newline, bom }: Extract<Fault, { kind: 'framing' }>, script: readonly Step[]): Iterable<Step> {
  const text = bodyOf(script).toString('utf8').replaceAll('\n', NEWLINES[newline]);
  const body = Buffer.from(bom ? `\uFEFF${text}` : text);
  yield* divide(unmeasured(script), 'headers').before;
  for (let at = 0; at < body.length; at += bytes) {
    yield { do: 'write', part: 'body', bytes: body.subarray(at, at + bytes) };
    yield { do: 'wait', ms };
  }
  yield END;
}

function gzipped({ content, bytes }: Extract<Fault, { kind: 'gzip' }>, body: Buffer): Buffer {
  if (content === 'garbage') return Buffer.from('\u001f\u008b this is not gzip at all', 'latin1');
  if (content === 'bomb') return gzipSync(Buffer.alloc(bytes, ' '));
  const packed = gzipSync(body);
  return packed.subarray(0, Math.floor(packed.length / 2));
}

const PORTAL = '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><h1>Sign in to the network</h1></body></html>';
