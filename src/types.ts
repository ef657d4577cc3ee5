/**
 * The nouns every part speaks in. Imports nothing, does nothing.
 *
 * Times are epoch milliseconds from one steady {@link Clock}; money is USD; sizes are tokens unless a name says otherwise.
 */

/**
 * Epoch milliseconds that never step backwards or jump: the wall clock at start plus monotonic time since.
 * A corrected system clock therefore frees no quota early and stalls none.
 */
export type Clock = () => number;

/** As much of an AbortSignal as anyone here uses: {@link file://./abort.ts} makes them cheaply, callers may pass real ones. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** Called at most once. */
  readonly addEventListener: (type: 'abort', listener: () => void, options: { readonly once: true }) => void;
  readonly removeEventListener: (type: 'abort', listener: () => void) => void;
}

// ── What can be asked of whom ───────────────────────────────────────────────────────────────────────────────────────

/** What a model can do. A request needs some of these; a rule may ask for more. */
export const CAPABILITIES = [
  'text_generation', 'code_generation', 'reasoning', 'tools', 'json', 'json_schema', 'vision', 'audio',
  'embeddings', 'transcription', 'speech', 'image_generation', 'moderation',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** What a limit counts. */
export const UNITS = ['requests', 'tokens', 'audio_seconds'] as const;
export type Unit = (typeof UNITS)[number];

/** One limit, as its provider counts it: at most `limit` units within `seconds`. */
export interface WindowLimit {
  readonly unit: Unit;
  readonly limit: number;
  readonly seconds: number;
  /** `rolling`: the last `seconds`. `refill`: a bucket filling evenly over `seconds`. `calendar`: resets at the turn of the minute, hour, day or month. */
  readonly kind: 'rolling' | 'refill' | 'calendar';
  /** IANA zone whose midnight resets a `calendar` window of a day or a month. UTC when absent. */
  readonly timeZone?: string;
}

/** All limits of one scope. `concurrent` bounds requests in flight. */
export interface Limits {
  readonly windows: readonly WindowLimit[];
  readonly concurrent?: number;
}

/** USD per million tokens. An absent number is unknown, which is never the same as zero. */
export interface Price {
  readonly input?: number;
  readonly output?: number;
  /** What the same tokens would have cost at list price: what a free answer saved. */
  readonly listInput?: number;
  readonly listOutput?: number;
}

export interface Model {
  /** The provider's own id, sent upstream as it is. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** Prompt and answer together. */
  readonly context?: number;
  readonly maxOutput?: number;
  readonly capabilities: readonly Capability[];
  /** Limits of (pool, this model), already merged with the provider's when each model has its own. */
  readonly limits: Limits;
  readonly price: Price;
  /** Milliseconds to wait for the first content, where this model is known to think before it speaks. */
  readonly firstContentMs?: number;
}

/** Whose quota an account draws on: accounts that share it are one pool. `provider`: everybody here, e.g. limits by address. */
export type QuotaScope = 'account' | 'organization' | 'project' | 'provider';

export interface Provider {
  readonly name: string;
  readonly title: string;
  readonly status: 'active' | 'trial' | 'retired';
  /** Without a trailing slash; paths such as `/chat/completions` are appended. */
  readonly baseUrl: string;
  readonly dialect: string;
  /** Lower is preferred where a rule leaves the order open. */
  readonly priority: number;
  readonly quotaScope: QuotaScope;
  /** Limits of the pool over all its models together. */
  readonly limits: Limits;
  /** Limits of a model the catalogue does not list, where each model has its own. Those listed have theirs merged already. */
  readonly modelLimits?: Limits;
  /** What a model costs that neither the catalogue nor the provider's own list prices: nothing, on one's own machine. */
  readonly modelPrice?: Price;
  /** Request fields this provider refuses: left out. */
  readonly omit: readonly string[];
  /** Request fields it knows by another name. */
  readonly rename: Readonly<Record<string, string>>;
  /** Sent with every call, e.g. attribution. Never credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its `usage.cost` is what an answer cost, in USD: with fees that no price by the token has. */
  readonly tellsCost?: true;
  /** Its own, where a rule does not say. */
  readonly deadlines?: Deadlines;
  /** A path answering whether a key is good, at no quota. */
  readonly keyCheckPath?: string;
  readonly keyPrefix?: string;
  readonly signUpUrl?: string;
  readonly notes?: string;
  readonly models: readonly Model[];
}

/** An immutable snapshot of every provider known. */
export interface Catalogue {
  readonly providers: ReadonlyMap<string, Provider>;
}

/** One model at one provider: what a request can be sent to, by any account there. */
export interface Target {
  readonly provider: Provider;
  readonly model: Model;
}

/** One credential's holder. The credential itself stays in the vault. */
export interface Account {
  readonly id: string;
  readonly provider: string;
  readonly label: string;
  /** Accounts naming the same organisation or project share its quota, where the provider counts so. */
  readonly organization?: string;
  /** The operator's own limits for this account; they replace the catalogue's of the same unit and length. */
  readonly limits?: Limits;
  readonly enabled: boolean;
  /** Scheme, host and port the credential was sealed for. It goes nowhere else. */
  readonly origin: string;
}

// ── A question ──────────────────────────────────────────────────────────────────────────────────────────────────────

export const SURFACES = ['chat', 'completions', 'messages', 'responses', 'embeddings', 'audio', 'images', 'moderations', 'proxy'] as const;
export type Surface = (typeof SURFACES)[number];

/** The words of a prompt by how much they say about what is asked now. */
export interface PromptText {
  /** The last user turn. */
  readonly last: string;
  /** Earlier user turns, newest first. */
  readonly earlier: readonly string[];
  readonly system: string;
}

/** A client's question, validated and measured once. */
export interface ChatRequest {
  readonly id: string;
  readonly surface: Surface;
  /** As asked: `auto`, `auto:<rule>`, an alias, or `<provider>/<model>`. */
  readonly model: string;
  readonly stream: boolean;
  /** An OpenAI chat-completions body with every field the client sent, known to us or not. */
  readonly body: Readonly<Record<string, unknown>>;
  /** What `body` was read from, where that is worth keeping. */
  readonly written?: Written;
  /** Present where this is no chat. */
  readonly relay?: Relay;
  /** Present where it was asked in a provider's own format: who speaks that is asked in these words, and answers in them. */
  readonly original?: Original;
  readonly text: PromptText;
  /** What a model must be able to do to answer this at all. */
  readonly needs: readonly Capability[];
  /** Estimated. */
  readonly promptTokens: number;
  /** How long the recording is that it brings, as far as that can be told. Absent: it brings none. */
  readonly audioSeconds?: number;
  /** The asked-for maximum of answer tokens, if any. */
  readonly maxOutput?: number;
  /** Whom the client asks for, in its own words: a key may have limits of each. */
  readonly user?: string;
  readonly caller: Caller;
  readonly receivedAt: number;
  /** When the caller stops waiting for the first content, queue included. */
  readonly deadline: number;
  /** The caller named the deadline itself: an answer that is not streamed must be whole by then. */
  readonly deadlineNamed?: true;
  /** 0 (first) to 9, in the line. */
  readonly priority: number;
  /** The body's own word for how many tokens of the conversation may go upstream: the oldest turns are left out. */
  readonly maxContext?: number;
  /** Only what it would use and who could answer is wanted. */
  readonly dryRun?: true;
  /** `off`: neither answered from the cache nor kept there. `refresh`: asked anew, and kept. */
  readonly cache?: 'off' | 'refresh';
  /** In place of its rule's. */
  readonly onStreamBreak?: Rule['onStreamBreak'];
  /** The W3C trace context it came with. */
  readonly trace?: TraceContext;
  /** Throws a FailureError where a whole answer cannot be told in the client's words: then somebody else is asked. Absent: anything can be. */
  readonly mustBeTellable?: (chunks: readonly ChatChunk[]) => void;
}

/** `traceparent`, well formed, and `tracestate`. */
export interface TraceContext {
  readonly parent: string;
  readonly state?: string;
}

/** JSON as it came, and what it was read as: whatever is still one of these values may be sent on in the same words. */
export interface Written {
  /** Undefined once its answer has begun: an open stream need not hold its question in so many forms. */
  text: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A question as it was asked; `ChatRequest.body` is its translation for everybody else. */
export interface Original {
  readonly dialect: 'anthropic';
  readonly body: Readonly<Record<string, unknown>>;
  /** The trials it takes part in: the header `anthropic-beta`. */
  readonly beta?: string;
  /** The first field that means something there and nowhere else, and why. Absent: anybody can be asked. */
  readonly only?: { readonly param: string; readonly message: string };
}

/** A question besides chat: it goes upstream as it came, with the model's name put in, and its answer comes back the same way. */
export interface Relay {
  /** Below the provider's base URL, e.g. `/embeddings`. */
  readonly path: string;
  /** A body that is no JSON: a form with a recording. Then `ChatRequest.body` is what is known of it. */
  readonly form?: Upload;
}

/** A form, cut where the model's name stands. */
export interface Upload {
  readonly contentType: string;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** What the client is still sending. Absent: all of it is here. */
  readonly rest?: {
    readonly length: number;
    /** Read once, and not kept: whoever fails after that can be followed by nobody. */
    readonly bytes: AsyncIterable<Uint8Array>;
    readonly begun: () => boolean;
    readonly whole: () => boolean;
    /** How long the recording in it is, where what went by has told. */
    readonly seconds: () => number | undefined;
    /** Nobody reads on. */
    readonly leave: () => void;
  };
}

/** Who asks: a virtual key, or anyone while the door is open. */
export interface Caller {
  /** The virtual key's name, unique among those that work. `local` while the door is open. */
  readonly key: string;
  readonly project: string;
  /** The virtual key's id, which stays when it is renamed. Absent while the door is open. */
  readonly id?: string;
  /** The most urgent place in line this caller may ask for, 0 to 9. Absent: any. */
  readonly priority?: number;
}

// ── An answer ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number;
  readonly reasoning?: number;
  /** Of sound listened to. */
  readonly audioSeconds?: number;
  /** USD, as upstream told it; whether that can be believed is the provider's {@link Provider.tellsCost}. */
  readonly costUsd?: number;
  /** Counted by us, because upstream told nothing. */
  readonly estimated?: true;
}

/**
 * One piece of an answer in the one form everything inside speaks: an OpenAI `chat.completion.chunk`,
 * or a whole `chat.completion` when upstream answered at once. Unknown fields are kept: `text` is the
 * provider's own JSON wherever nothing had to be translated.
 */
export interface ChatChunk {
  readonly text: string;
  /** `text` is a complete `chat.completion`, not a piece of one. */
  readonly whole: boolean;
  /** Carries content, reasoning or a tool call: the commit point. Role-only and empty deltas do not. */
  readonly content: boolean;
  /** The provider's own event, of which `text` is the translation, where it was asked in its own words; then `text` may be empty. */
  readonly source?: { readonly event: string; readonly text: string };
  /** Instead of `text`, where the answer is no JSON: sound, pictures, events of another kind. */
  readonly raw?: { readonly bytes: Uint8Array; readonly contentType: string };
  /** The finish reason, once it is known. */
  readonly finish?: string;
  readonly usage?: Usage;
  /** Tokens of what it says, estimated and not rounded: what counts where upstream reports no usage. */
  readonly estimate?: number;
  /** Carries nothing but the usage, with no choices: what a client gets only if it asked. */
  readonly usageOnly?: boolean;
}

/** One call to make. The credential joins it at the last moment, inside {@link Send}. */
export interface Outgoing {
  readonly request: ChatRequest;
  readonly target: Target;
  readonly account: Account;
  /** The longest silence between two bytes once the answer has begun, milliseconds. */
  readonly stallMs: number;
  /** The call's own place in a trace, where traces are told. */
  readonly traceparent?: string;
}

/** Upstream said yes: its headers are here, its answer is coming. */
export interface Upstream {
  readonly facts: readonly Fact[];
  /** Throws a FailureError where the answer breaks or ends without its end. Leaving the loop early closes the connection. */
  readonly chunks: AsyncIterable<ChatChunk>;
}

/** The only way out. Throws a FailureError for every refusal; aborting the signal closes the connection at once. */
export type Send = (outgoing: Outgoing, signal: AbortSignalLike) => Promise<Upstream>;

/** What upstream told us about one of its windows: "3 of 30 left until T". */
export interface Fact {
  readonly unit: Unit;
  /** The window's length. Absent where the provider does not say which window it speaks of. */
  readonly seconds?: number;
  /** Counts this model only, or everything the pool does. Absent: wherever such a window is kept. */
  readonly scope?: 'pool' | 'model';
  readonly limit?: number;
  readonly remaining?: number;
  /** When the window is whole again (headers), or when a call fits again (refusals). */
  readonly resetAt?: number;
  /** The same if upstream spoke when the call was sent, and not when its answer came. Absent: the moments are one. */
  readonly resetFrom?: number;
  readonly source: 'header' | 'refusal' | 'endpoint';
}

// ── What happened, told to log, metrics and record ──────────────────────────────────────────────────────────────────

/** One try upstream, or a candidate passed over without one. */
export interface Attempt {
  readonly provider: string;
  /** The account's label. */
  readonly account: string;
  readonly model: string;
  /** `ok`, or the kind of failure. */
  readonly outcome: string;
  /** False where quota or a rest ruled the candidate out and nothing was sent. */
  readonly sent: boolean;
  readonly message?: string;
  readonly retryAt?: number;
  /** Before it: in line, or on purpose. Absent: not at all. */
  readonly waitedMs?: number;
  readonly startedAt: number;
  readonly firstContentAt?: number;
  readonly endedAt: number;
}

// ── Rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Keyword {
  readonly word: string;
  readonly weight: number;
}

/** Every condition given must hold. Absent ones always do. */
export interface Conditions {
  readonly keywords: readonly Keyword[];
  readonly keywordsNone: readonly string[];
  /** Sources of linear-time patterns (RE2 syntax). */
  readonly patterns: readonly string[];
  readonly minKeywordScore: number;
  readonly minTokens?: number;
  readonly maxTokens?: number;
  readonly hasTools?: boolean;
  readonly hasImages?: boolean;
  /** Globs over asked-for model names; `auto` unless the rule says otherwise. */
  readonly models: readonly string[];
  /** Globs over virtual key names. Absent: everybody. */
  readonly virtualKeys?: readonly string[];
}

export interface Deadlines {
  readonly firstContentMs?: number;
  readonly stallMs?: number;
  readonly totalMs?: number;
}

/** How long an answer may be told again to who asks the same. */
export interface CacheRule {
  readonly ttlMs: number;
  /** To every virtual key. Otherwise each has its own answers. */
  readonly shared: boolean;
}

export interface Rule {
  readonly name: string;
  readonly conditions: Conditions;
  /** Provider names, tried in this order. */
  readonly preferences: readonly string[];
  /** Globs over model names, by provider. A provider that is not named here offers any model with the capabilities. */
  readonly models: Readonly<Record<string, readonly string[]>>;
  readonly capabilities: readonly Capability[];
  /** Provider names, after the preferences. */
  readonly fallbackChain: readonly string[];
  readonly strategy: 'round_robin' | 'spend_expiring' | 'fastest' | 'reliable';
  readonly onPolicyRefusal: 'stop' | 'fallback';
  readonly onStreamBreak: 'error' | 'resume' | 'buffer';
  /** Absent: no answer is kept. */
  readonly cache?: CacheRule;
  readonly deadlines: Deadlines;
}

export interface Rules {
  readonly rules: readonly Rule[];
  /** Serves what no other rule matches. */
  readonly defaultRule: string;
}

/** What someone tells the log, the metrics and the record. Nobody waits for the listeners. */
export type GatewayEvent =
  | { readonly type: 'request-started'; readonly request: ChatRequest }
  | { readonly type: 'request-refused'; readonly refusal: Refusal }
  | { readonly type: 'attempt-finished'; readonly request: ChatRequest; readonly attempt: Attempt }
  | { readonly type: 'request-finished'; readonly request: ChatRequest; readonly summary: RequestSummary }
  | { readonly type: 'account-changed'; readonly account: Account; readonly state: AccountState; readonly reason: string; readonly until?: number }
  | {
      readonly type: 'notice';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields?: Readonly<Record<string, string | number | boolean>>;
      /** What can no longer be written down, or is wrong and not in force, from now on (`error`), or is well again (`info`). */
      readonly part?: WrittenPart | FollowedFile;
    };

/** What is read again when it changes. */
export type FollowedFile = 'rules' | 'catalogue';

/** What is written down beside serving, which goes on where it cannot be. */
export type WrittenPart = 'log file' | 'standard output' | 'audit log' | 'quota journal' | 'key usage' | 'record spool' | 'record database';

/** A request refused before it was understood: no model, no prompt, nothing sent. */
export interface Refusal {
  readonly id: string;
  readonly method: string;
  /** As the client wrote it. */
  readonly path: string;
  /** It came to `/v1`, as clients do; the operator's own mistakes are not counted among theirs. */
  readonly asked: boolean;
  readonly receivedAt: number;
  readonly totalMs: number;
  readonly status: number;
  readonly failure: string;
  readonly trace?: TraceContext;
}

export type AccountState = 'active' | 'resting' | 'suspended' | 'disabled';

/** One client request, told when it is over. */
export interface RequestSummary {
  readonly status: number;
  readonly rule?: string;
  readonly words: readonly string[];
  readonly attempts: readonly Attempt[];
  /** Candidates ruled out without a call before the last turn came up, or for good. Told when asked: only a verbose log wants to know. */
  readonly passedOver?: () => readonly Attempt[];
  readonly provider?: string;
  readonly account?: string;
  readonly model?: string;
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly savedUsd?: number;
  readonly queueMs: number;
  readonly firstContentMs?: number;
  readonly totalMs: number;
  /** Our own time: neither upstream nor the line. */
  readonly overheadMs: number;
  /** Answered from the cache or by somebody else's call, or not. Absent: the cache was not asked. */
  readonly cache?: 'hit' | 'miss';
  /** The failure kind, where the request was not answered. */
  readonly failure?: string;
}

export type Emit = (event: GatewayEvent) => void;
