/**
 * What one call is answered, before anything misbehaves: filter, route, key, model, quota, answer.
 */
import { answerChat } from './answers.ts';
import { modelOf } from './body.ts';
import { digestOf } from './ids.ts';
import type { KnownAccount } from './limits.ts';
import { isDenial } from './quota.ts';
import type { Lease, Meter } from './quota.ts';
import { replyScript, streamScript } from './script.ts';
import type { Step } from './script.ts';
import { isObject, promptTokens } from './tokens.ts';
import type { Answer, Call, Headers, Holder, JsonObject, Reply, Result, Scene, SimulatedModel, Wire } from './types.ts';

export interface Pace {
  /** Milliseconds before the first byte of an answer. */
  readonly firstMs: number;
  /** Milliseconds between two tokens of a stream. */
  readonly tokenMs: number;
}

export interface Bench {
  readonly wire: Wire;
  readonly accounts: readonly KnownAccount[];
  readonly meter: (holder: Holder, model: string) => Meter;
  /** Readings as `/key` shows them: they may lag. */
  readonly shown: (holder: Holder) => ReturnType<Meter['readings']>;
  readonly pace: Pace;
  readonly seed: number;
}

export interface Plan {
  readonly scene: Scene;
  readonly script: readonly Step[];
  /** Absent where nothing was charged. */
  readonly charge?: Charge;
  /** Absent where the call was refused or is no chat. */
  readonly chat?: Chat;
}

export interface Charge {
  readonly lease: Lease;
  readonly reserved: number;
  /** What the call has cost once so many content events of its answer were written; Infinity for all of it. */
  readonly cost: (contentEvents: number) => number;
}

export interface Chat {
  readonly answer: Answer;
  readonly stream: boolean;
  /** The same call answered otherwise. */
  readonly render: (answer: Answer, stream: boolean) => readonly Step[];
}

const NOBODY: Holder = { account: 'nobody', organization: 'nobody' };

/** Recorded for Python's urllib; no agent at all is taken to fare no better. */
const FILTERED_AGENT = /^(python-urllib|$)/i;

export function planCall(call: Call, bench: Bench): Plan {
  const { wire, seed } = bench;
  const name = modelOf(call.body) ?? '';
  const holder = typeof call.holder === 'object' ? call.holder : NOBODY;
  const scene: Scene = { call, holder, model: name, id: digestOf(seed, call.number) };
  const refuse = (refusal: Reply | string, readings: ReturnType<Meter['readings']> = []): Plan =>
    ({ scene, script: replyScript(withHeaders(typeof refusal === 'string' ? named(wire, refusal, scene) : refusal, (status) => wire.headers(status, readings, scene))) });

  if (wire.edgeFilter && FILTERED_AGENT.test(call.headers['user-agent'] ?? '')) return refuse('edge-filter');
  const isChat = call.method === 'POST' && call.path === '/chat/completions';
  const work = call.method === 'POST' ? wire.works[call.path] : undefined;
  const route = wire.route(call);
  if (route === undefined && !isChat && work === undefined) return refuse('unknown-path');
  if (typeof call.holder !== 'object' && !(route !== undefined && wire.openPaths.includes(call.path))) return refuse(call.holder === undefined ? 'no-key' : 'bad-key');
  if (route !== undefined) return refuse(route(scene, bench.shown(holder)));

  // What a model does not do it is not known for; the real words differ, and were not recorded.
  const model = wire.models.find(({ id, output }) => id === name && output === work?.output);
  const refusal = wire.screen(call, model) ?? (model === undefined ? 'unknown-model' : model.refusal);
  if (refusal !== undefined || model === undefined) return refuse(refusal ?? 'unknown-model');
  const body = isObject(call.body) ? call.body : {};
  return work === undefined ? planChat({ scene, model, body, refuse }, bench) : planWork(work.perform(scene, body), { scene, model, body, refuse }, bench);
}

interface Asked {
  readonly scene: Scene;
  readonly model: SimulatedModel;
  readonly body: JsonObject;
  readonly refuse: (refusal: Reply, readings: ReturnType<Meter['readings']>) => Plan;
}

function planWork({ reply, cost }: Result, { scene, model, refuse }: Asked, { wire, meter }: Bench): Plan {
  const account = meter(scene.holder, model.id);
  if (cost === undefined) return refuse(reply, account.readings(scene.call.at));
  const admitted = account.admit(scene.call.at, cost);
  if (isDenial(admitted)) return refuse(wire.denied(admitted, scene), account.readings(scene.call.at));
  const script = replyScript(withHeaders(reply, (status) => wire.headers(status, account.readings(scene.call.at), scene)));
  const tokens = cost.tokens ?? 0;
  return { scene, script, charge: { lease: admitted, reserved: tokens, cost: () => tokens } };
}

function planChat({ scene, model, body, refuse }: Asked, { wire, meter, pace }: Bench): Plan {
  const { at } = scene.call;
  const account = meter(scene.holder, model.id);
  const prompt = promptTokens(body);
  const reserved = wire.reserve(body, prompt);
  const admitted = wire.metered(model) ? account.admit(at, { tokens: reserved }) : UNMETERED;
  if (isDenial(admitted)) return refuse(wire.denied(admitted, scene), account.readings(at));

  const answer = answerChat(body, model);
  const whole = prompt + (answer.usage?.completion ?? 0);
  const stream = body['stream'] === true;
  // A JSON answer is complete before its headers are written; a stream is charged as it goes.
  if (!stream && wire.charge === 'used') admitted.settle(whole);
  const headers = wire.headers(200, account.readings(at), scene);
  const render = (other: Answer, streamed: boolean): readonly Step[] => [
    ...(pace.firstMs > 0 ? [{ do: 'wait', ms: pace.firstMs } as const] : []),
    ...(streamed
      ? streamScript(wire.frames(other, scene, body), headers, pace.tokenMs)
      : replyScript({ status: 200, headers, body: wire.completion(other, scene) })),
  ];
  const cost = (events: number): number => (wire.charge === 'reserved' ? reserved : stream ? Math.min(whole, prompt + events) : whole);
  return { scene, script: render(answer, stream), charge: { lease: admitted, reserved, cost }, chat: { answer, stream, render } };
}

const UNMETERED: Lease = { settle: () => {}, release: () => {} };

const withHeaders = (reply: Reply, headers: (status: number) => Headers): Reply => ({ ...reply, headers: { ...headers(reply.status), ...reply.headers } });

/** A refusal of this provider by its name. Throws for a name it does not have. */
export function named(wire: Wire, name: string, scene: Scene): Reply {
  const refusal = wire.refusals[name];
  if (refusal === undefined) throw new Error(`${wire.name} has no refusal "${name}"; it has ${Object.keys(wire.refusals).join(', ')}`);
  return refusal(scene);
}
