/**
 * The nouns of the simulators. Times are epoch milliseconds of the simulated clock unless a name says otherwise.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Unit, WindowLimit } from '../types.ts';

export const PROVIDER_NAMES = ['openrouter', 'groq', 'cerebras'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

export type JsonObject = Readonly<Record<string, unknown>>;
export type Headers = Readonly<Record<string, string>>;

/** Besides the one request it is. */
export type Cost = Readonly<Partial<Record<Exclude<Unit, 'requests'>, number>>>;

/** What one window says now. */
export interface Reading {
  readonly window: WindowLimit;
  readonly used: number;
  /** Milliseconds until it is whole again. */
  readonly resetMs: number;
}

/** Why a call was not admitted. */
export type Denial =
  | { readonly by: 'window'; readonly window: WindowLimit; readonly used: number; readonly requested: number; /** Infinity: it never fits. */ readonly waitMs: number }
  | { readonly by: 'concurrency'; readonly limit: number };

/** A model as the simulator knows it. Prices are USD per token, as OpenRouter writes them. */
export interface SimulatedModel {
  readonly id: string;
  readonly title: string;
  readonly owner: string;
  readonly created: number;
  readonly context: number;
  readonly maxOutput: number;
  readonly reasoning?: boolean;
  readonly tools?: boolean;
  readonly images?: boolean;
  /** What it gives besides text, as model lists say it. */
  readonly output?: 'embeddings' | 'transcription' | 'speech';
  readonly price?: { readonly prompt: string; readonly completion: string; readonly request?: string };
  /** Why a known model is not served: answers the refusal of this name. */
  readonly refusal?: string;
}

/** Who a key belongs to. Keys of one account share its name; accounts of one organisation share its quota. */
export interface Holder {
  readonly account: string;
  readonly organization: string;
  /** USD. Absent: the provider's default for a fresh account. */
  readonly credits?: number;
}

/** One request as received. */
export interface Call {
  /** Counts calls from 1: ids in answers derive from it. */
  readonly number: number;
  readonly at: number;
  readonly method: string;
  /** Below the provider's base path, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON body, or the fields of a form; undefined where there is none or it does not parse. */
  readonly body: unknown;
  /** The file a form brought. */
  readonly file?: Buffer;
  /** Absent without a key; `unknown` where the key is none of this provider's. */
  readonly holder?: Holder | 'unknown';
}

/** What a refusal or an answer may mention. */
export interface Scene {
  readonly call: Call;
  readonly holder: Holder;
  readonly model: string;
  /** 32 hexadecimal digits, the same for the same call of the same run. */
  readonly id: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Headers;
  /** An object is sent as JSON; a string or bytes as they are, under their own content type. */
  readonly body: unknown;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: string;
}

export interface TokenUsage {
  readonly prompt: number;
  readonly completion: number;
  /** Part of `completion`. */
  readonly reasoning: number;
}

/** An answer in pieces of one token each. */
export interface Answer {
  readonly reasoning: readonly string[];
  readonly content: readonly string[];
  readonly toolCalls: readonly ToolCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls';
  /** Absent: the answer reports none. */
  readonly usage?: TokenUsage;
}

/** What one write of a stream carries; faults choose by it. */
export type Part = 'comment' | 'role' | 'content' | 'finish' | 'usage' | 'done' | 'body';

/** One frame of a stream: its JSON (or comment) text, without framing. */
export interface Frame {
  readonly part: Part;
  readonly data: unknown;
}

/** Something models do besides chat. */
export interface Work {
  readonly output: NonNullable<SimulatedModel['output']>;
  readonly perform: (scene: Scene, body: JsonObject) => Result;
}

/** A refusal costs nothing. */
export interface Result {
  readonly reply: Reply;
  readonly cost?: Cost;
}

/** A provider's wire format: everything that differs between the three. */
export interface Wire {
  readonly name: ProviderName;
  /** Where the provider's base URL points on the simulator's port. */
  readonly basePath: string;
  readonly keyPrefix: string;
  readonly models: readonly SimulatedModel[];
  /** Whether a filter in front of the provider turns some user agents away. */
  readonly edgeFilter: boolean;
  /** Paths that answer without a key. */
  readonly openPaths: readonly string[];
  /** By path. */
  readonly works: Readonly<Record<string, Work>>;
  /** Every route that asks no model; undefined where there is none. */
  readonly route: (call: Call) => Route | undefined;
  /** What this call meets before any quota is looked at: a refusal, or the name of one. */
  readonly screen: (call: Call, model: SimulatedModel | undefined) => Reply | string | undefined;
  /** Whether calls of this model count against the quota. */
  readonly metered: (model: SimulatedModel) => boolean;
  /** Tokens a call is taken to cost until its answer is known. */
  readonly reserve: (body: JsonObject, promptTokens: number) => number;
  /** Whether the reservation stays charged, or is corrected to the tokens really used. */
  readonly charge: 'reserved' | 'used';
  /** Every refusal recorded for this provider, by name. */
  readonly refusals: Readonly<Record<string, (scene: Scene) => Reply>>;
  readonly denied: (denial: Denial, scene: Scene) => Reply;
  /** Headers of an answer or refusal to a recognised caller. */
  readonly headers: (status: number, readings: readonly Reading[], scene: Scene) => Headers;
  readonly completion: (answer: Answer, scene: Scene) => JsonObject;
  readonly frames: (answer: Answer, scene: Scene, body: JsonObject) => readonly Frame[];
  /** What an error looks like in the middle of a stream. */
  readonly streamError: (scene: Scene) => JsonObject;
}

export type Route = (scene: Scene, readings: readonly Reading[]) => Reply;
