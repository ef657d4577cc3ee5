/** `config/tollfree.yaml`: everything that is neither a rule nor a provider. An empty file is a good configuration. */
import { z } from 'zod';
import { age, duration, group, orOff, size, text, wholeNumber } from './atoms.ts';
import { address } from './destination.ts';
import { validate } from './validate.ts';

export interface Settings {
  readonly server: {
    readonly host: string;
    /** 0: any free one. */
    readonly port: number;
    readonly bodyLimitBytes: number;
    /** Host names answered besides loopback's and the bound address. */
    readonly allowedHosts: readonly string[];
    /** How long streams may finish after SIGTERM. */
    readonly drainMs: number;
    /** Processes that take connections. 1: this one does. */
    readonly workers: number;
  };
  /** `auto`: open until the first virtual key exists, and only while bound to loopback. */
  readonly auth: 'auto' | 'required' | 'open';
  /** Signed tokens are taken in place of virtual keys. */
  readonly jwt?: {
    readonly issuer: string;
    readonly audience: string;
    readonly claim: string;
    /** A path relative to the settings, or a secret. */
    readonly proof: { readonly jwksFile: string } | { readonly secret: string };
  };
  readonly deadlines: {
    readonly connectMs: number;
    /** To the first content, while nothing is learned of the model. */
    readonly firstContentMs: number;
    /** The same for an answer that is not streamed: it shows nothing before its last byte. */
    readonly wholeAnswerMs: number;
    readonly stallMs: number;
    readonly eventMs: number;
    readonly totalMs: number;
    /** How long a caller waits for the first content, queue included, where it does not say. */
    readonly callerMs: number;
    /** Between two comments into an idle stream. */
    readonly heartbeatMs: number;
    /** How long a client may take nothing of its answer. */
    readonly readerMs: number;
    /** From the first byte of a question to its last. */
    readonly uploadMs: number;
  };
  readonly line: { readonly maxWaiting: number };
  readonly retries: {
    /** Share of live requests that may be repeated. */
    readonly budgetRatio: number;
    readonly budgetPerSecond: number;
    /** How late a stream gets a rival in another pool. Undefined: never. */
    readonly hedgeMs: number | undefined;
  };
  readonly cache: {
    readonly maxSizeBytes: number;
    /** Undefined keeps nothing on disk. */
    readonly diskBytes: number | undefined;
    /** How long an answer of the Responses API can be built on after the last time it was. Undefined: not at all. */
    readonly responsesMs: number | undefined;
  };
  readonly catalogue: { readonly refreshMs: number };
  readonly record: {
    /** How long a row a request and a row an attempt are kept, and how many requests at most. */
    readonly requestsMs: number;
    readonly mostRequests: number;
    /** How long each day's sums are. */
    readonly totalsMs: number;
  };
  readonly log: {
    readonly level: 'error' | 'warn' | 'info' | 'debug';
    /** `auto`: pretty on a terminal. */
    readonly format: 'auto' | 'json' | 'pretty';
    readonly file: boolean;
    /** What was asked too, redacted. */
    readonly bodies: boolean;
    readonly maxSizeBytes: number;
    readonly maxFiles: number;
  };
  readonly telemetry: {
    /** Of an OTLP/HTTP collector, without `/v1/traces`. Undefined: no traces. */
    readonly endpoint: string | undefined;
    readonly headers: Readonly<Record<string, string>>;
    /** Share of requests traced, where their caller does not say. */
    readonly sample: number;
  };
  /** Who is told when an account dies, recovers or has spent its day. */
  readonly webhooks: readonly Webhook[];
  /** Only models known to cost nothing. */
  readonly freeOnly: boolean;
}

const ALERTS = ['account.died', 'account.recovered', 'account.spent'] as const;
export type Alert = (typeof ALERTS)[number];

export interface Webhook {
  readonly url: string;
  /** What the calls are signed with. */
  readonly secret: string;
  readonly events: readonly Alert[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const token = { issuer: text, audience: text, key_claim: text.default('tollfree_key') };

const schema = z.strictObject({
  server: group({
    host: text.default('127.0.0.1'),
    port: wholeNumber(0, 65_535).default(8_000),
    // A request is held whole while it waits and may be sent again: 32 MiB has room for a dozen images.
    body_limit: size(KIB, GIB, '32MiB').default(32 * MIB),
    allowed_hosts: z.array(hostName()).default([]),
    // Service managers kill after 30 s (Kubernetes) to 90 s (systemd).
    drain: duration.default(30 * SECOND),
    // One is enough for thousands of requests a second, and the owner of several has a fifth of the work left to itself.
    workers: wholeNumber(1, 64).default(1),
  }),
  auth: z.enum(['auto', 'required', 'open']).default('auto'),
  jwt: z.union([
    z.strictObject({ ...token, jwks_file: text }).transform(({ jwks_file: jwksFile, ...rest }) => ({ ...rest, proof: { jwksFile } })),
    // As long as the shortest digest that signs with it, or guessing it is easier than forging.
    z.strictObject({ ...token, secret: z.string().min(32, { error: 'must be at least 32 characters: `openssl rand -hex 32` makes a good one' }) }).transform(({ secret, ...rest }) => ({ ...rest, proof: { secret } })),
  ], { error: 'must be { issuer, audience, jwks_file } or { issuer, audience, secret }, and key_claim where it is another' }).optional(),
  deadlines: group({
    // A handshake takes three round trips, under a second around the world: five times that is nobody home.
    connect: duration.default(5 * SECOND),
    // Free tiers answer within 3 s at the 99th percentile when they are well.
    first_content: duration.default(10 * SECOND),
    // A thousand tokens from a slow free model take half of that.
    whole_answer: duration.default(MINUTE),
    // Providers send keep-alives every 15 s or less while they work.
    stall: duration.default(20 * SECOND),
    // One event is a few hundred bytes: what drips for a minute is stuck.
    event: duration.default(MINUTE),
    // The longest answers (64k tokens at 110 a second) end within ten minutes.
    total: duration.default(10 * MINUTE),
    // Clients give up at 60 s or later; half of that leaves them time for a try of their own.
    caller: duration.default(30 * SECOND),
    // Proxies cut what is idle for 60 s, some for 30: nothing is idle for longer than two beats.
    heartbeat: duration.default(15 * SECOND),
    // Who reads nothing for so long is gone, or holds an account's turn for nobody.
    reader: duration.default(MINUTE),
    // The longest body, 32 MiB, at 2 Mbit/s; who takes longer holds memory for nobody.
    upload: duration.default(130 * SECOND),
  }),
  line: group({
    // Each holds its request and a socket, about 100 KB: 100 MB for a full line.
    max_waiting: wholeNumber(0, 100_000).default(1_000),
  }),
  retries: group({
    // A fifth on top cannot become a storm, three a second lets the quiet hours retry at all.
    budget_ratio: z.number().min(0).max(1).default(0.2),
    budget_per_second: z.number().min(0).max(1_000).default(3),
    // Every slow answer costs a second call of somebody's quota: only who would rather pay than wait.
    hedge_after: orOff(duration, 'must be off or a duration such as 2s').prefault('off'),
  }),
  cache: group({
    // About 10,000 answers of a page.
    max_size: size(MIB, 64 * GIB, '64MiB').default(64 * MIB),
    // What is asked once must not lie about: only who wants answers to outlive a restart.
    disk: orOff(size(MIB, 1024 * GIB, '1GiB'), 'must be off or a size such as 1GiB').prefault('off'),
    // Conversations are their clients' to keep: nobody's prompts stay here unasked.
    responses: orOff(duration, 'must be off or a duration such as 1h').prefault('off'),
  }),
  catalogue: group({
    // Free rosters change weekly: a quarter of a day is early enough and four calls a day cost no quota.
    refresh: duration.default(6 * HOUR),
  }),
  record: group({
    // Long enough to look into last month's bill.
    keep_requests: age.default(30 * DAY),
    // With their attempts about 400 MB.
    most_requests: wholeNumber(1_000, 100_000_000).default(1_000_000),
    // Thirteen months: a month can be held against the same one a year before.
    keep_totals: age.default(400 * DAY),
  }),
  log: group({
    level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
    format: z.enum(['auto', 'json', 'pretty']).default('auto'),
    file: z.boolean().default(true),
    bodies: z.boolean().default(false),
    // Five files of 20 MiB: 100 MiB of disk, about 100,000 requests.
    max_size: size(64 * KIB, GIB, '20MiB').default(20 * MIB),
    max_files: wholeNumber(1, 1_000).default(5),
  }),
  telemetry: group({
    endpoint: orOff(z.url({ protocol: /^https?$/ }), 'must be off or the http or https address of an OTLP collector such as http://127.0.0.1:4318').prefault('off'),
    headers: z.record(z.string().regex(/^[\w-]+$/, { error: 'must be the name of a header' }), text).default({}),
    sample: z.number().min(0).max(1).default(1),
  }),
  webhooks: z.preprocess(
    (written) => written ?? [],
    z.array(
      z.strictObject({
        url: address,
        // 128 bits, written as hexadecimal digits are 32: half of that is the least anybody should sign with.
        secret: z.string().refine((written) => written.length >= 16, { error: 'must be at least 16 characters: `openssl rand -hex 32` makes a good one' }),
        events: z.array(z.enum(ALERTS)).min(1).default([...ALERTS]),
      }),
    // Each holds a queue; nobody needs more.
    ).max(20),
  ),
  free_only: z.boolean().default(true),
});

/** @throws ConfigError */
export function loadSettings(text: string, file: string): Settings {
  const { server, auth, jwt, deadlines, line, retries, cache, catalogue, record, log, telemetry, webhooks, free_only: freeOnly } = validate({ text, file }, schema);
  return {
    server: { host: server.host, port: server.port, bodyLimitBytes: server.body_limit, allowedHosts: server.allowed_hosts, drainMs: server.drain, workers: server.workers },
    auth,
    ...(jwt && { jwt: { issuer: jwt.issuer, audience: jwt.audience, claim: jwt.key_claim, proof: jwt.proof } }),
    deadlines: {
      connectMs: deadlines.connect,
      firstContentMs: deadlines.first_content,
      wholeAnswerMs: deadlines.whole_answer,
      stallMs: deadlines.stall,
      eventMs: deadlines.event,
      totalMs: deadlines.total,
      callerMs: deadlines.caller,
      heartbeatMs: deadlines.heartbeat,
      readerMs: deadlines.reader,
      uploadMs: deadlines.upload,
    },
    line: { maxWaiting: line.max_waiting },
    retries: { budgetRatio: retries.budget_ratio, budgetPerSecond: retries.budget_per_second, hedgeMs: retries.hedge_after },
    cache: { maxSizeBytes: cache.max_size, diskBytes: cache.disk, responsesMs: cache.responses },
    catalogue: { refreshMs: catalogue.refresh },
    record: { requestsMs: record.keep_requests, mostRequests: record.most_requests, totalsMs: record.keep_totals },
    log: { level: log.level, format: log.format, file: log.file, bodies: log.bodies, maxSizeBytes: log.max_size, maxFiles: log.max_files },
    telemetry,
    webhooks,
    freeOnly,
  };
}

function hostName(): z.ZodString {
  return z.string().regex(/^[\w.-]+$|^\[[\da-f:]+\]$/i, { error: 'must be a host name, without scheme and port' });
}
