/** The door: who a request comes from, what that caller may ask for, and whether its limits have room. */
import type { IncomingMessage } from 'node:http';
import { FailureError } from '../failure.ts';
import { createInFlight } from '../in-flight.ts';
import type { Admission, Grant } from '../keys/admission.ts';
import type { Keys } from '../keys/keys.ts';
import type { EstimateListUsd } from '../keys/list-price.ts';
import { looksLikeSecret, PREFIX } from '../keys/secret.ts';
import { stateOf, type VirtualKey } from '../keys/virtual-key.ts';
import { compileGlobs } from '../routing/glob.ts';
import type { AbortSignalLike, Caller, ChatRequest, GatewayEvent, RequestSummary } from '../types.ts';

export type DoorMode = 'auto' | 'required' | 'open';

export interface DoorOptions {
  readonly keys: Pick<Keys, 'exist' | 'find' | 'get'>;
  readonly admission: Pick<Admission, 'admit'>;
  readonly estimateListUsd: EstimateListUsd;
  readonly now: () => number;
  readonly mode: DoorMode;
  /** The virtual key a signed token stands for, where one was sent. */
  readonly signedBy?: (request: IncomingMessage) => VirtualKey | undefined;
  /** Whether only programs on this machine can reach the server. */
  readonly loopback: boolean;
}

export interface Door {
  /** Throws `unauthorized`. */
  readonly identify: (request: IncomingMessage) => Caller;
  /** Which models whoever calls may ask for, by name. Throws `unauthorized`. */
  readonly scopeOf: (request: IncomingMessage) => (model: string) => boolean;
  /** Whether the caller may ask that at all, whatever is left. Throws `forbidden`. */
  readonly allow: (request: ChatRequest) => void;
  /**
   * Takes what the request may use of its caller's limits; {@link Door.listen} settles it when the request is over.
   * The signal aborts with the FailureError to tell when the key is revoked.
   * Throws `forbidden`, `key-rate`, `over-budget`, `unauthorized`.
   */
  readonly admit: (request: ChatRequest) => AbortSignalLike;
  /** Must hear every gateway event. */
  readonly listen: (event: GatewayEvent) => void;
}

/** Why a server must not start like this: the text for the operator. */
export function mayStart({ mode, loopback, keysExist }: { readonly mode: DoorMode; readonly loopback: boolean; readonly keysExist: boolean }): string | undefined {
  if (loopback || mode === 'required' || (mode === 'auto' && keysExist)) return undefined;
  const way = 'bind to 127.0.0.1';
  if (mode === 'open') return `auth: open lets anybody on the network use your accounts; ${way}, or set auth: auto and create keys`;
  return `without a virtual key, anybody on the network could use your accounts; create one with \`tollfree keys create NAME\`, or ${way}`;
}

const LOCAL: Caller = { key: 'local', project: 'local' };

export function createDoor(options: DoorOptions): Door {
  const { keys, admission, now, mode, loopback } = options;
  const grants = createInFlight<Grant>();
  const isOpen = (): boolean => loopback && (mode === 'open' || (mode === 'auto' && !keys.exist()));

  const identify = (request: IncomingMessage): Caller => {
    const shown = shownBy(request);
    const key = 'secret' in shown ? (options.signedBy?.(request) ?? keys.find(shown.secret)) : undefined;
    if (key !== undefined) return callerOf(key, now());
    if (isOpen()) return LOCAL;
    throw unauthorized('secret' in shown ? whyUnknown(shown.secret) : shown.mistake);
  };

  const allow: Door['allow'] = (request) => {
    const { id } = request.caller;
    const key = id === undefined ? undefined : keys.get(id);
    if (key !== undefined) refuseOutOfScope(key, request);
  };

  return {
    identify,
    allow,
    scopeOf(request) {
      const { id } = identify(request);
      const models = id === undefined ? undefined : keys.get(id)?.models;
      return models === undefined ? () => true : compileGlobs(models);
    },
    admit(request) {
      allow(request);
      const { id, caller, user } = request;
      const { input, output } = expectationOf(request);
      const grant = admission.admit(caller, { tokens: input + output, usd: options.estimateListUsd(request.model, { input, output }), ...(user !== undefined && { user }) });
      grants.set(id, grant);
      return grant.signal;
    },
    listen(event) {
      if (event.type !== 'request-finished') return;
      const grant = grants.take(event.request.id);
      if (grant !== undefined) end(grant, event.summary);
    },
  };
}

/** An answer that had begun is never free, even where nobody said what it used. */
function end(grant: Grant, { status, usage, costUsd, savedUsd, firstContentMs, cache }: RequestSummary): void {
  // A request, and nothing used for it.
  if (cache === 'hit') return grant.settle(usage, 0);
  if (status !== 200 && usage === undefined && firstContentMs === undefined) grant.cancel();
  else grant.settle(usage, costUsd === undefined || savedUsd === undefined ? undefined : costUsd + savedUsd);
}

type Shown = { readonly secret: string } | { readonly mistake: string };

const WAY = `send it as \`Authorization: Bearer ${PREFIX}…\` or \`x-api-key\``;

/** Clients with two settings for the key send it twice: the same one is no mistake. */
function shownBy({ rawHeaders }: IncomingMessage): Shown {
  let first: Shown | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const shown = shownIn(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
    if (shown === undefined) continue;
    if (first !== undefined && !isSame(first, shown)) return { mistake: `two different keys were sent; ${WAY}, once` };
    first ??= shown;
  }
  return first ?? { mistake: `this server needs a virtual key; ${WAY}, and \`tollfree keys create NAME\` makes one` };
}

const isSame = (one: Shown, other: Shown): boolean => 'secret' in one && 'secret' in other && one.secret === other.secret;

/** Most headers are told apart by their length alone. */
function shownIn(name: string, value: string): Shown | undefined {
  if (name.length === 'x-api-key'.length && /^x-api-key$/i.test(name)) return { secret: value.trim() };
  if (name.length === 'authorization'.length && /^authorization$/i.test(name)) return bearer(value);
  return undefined;
}

function bearer(value: string): Shown {
  const [, secret] = /^bearer +(\S+) *$/i.exec(value) ?? [];
  return secret === undefined ? { mistake: `the Authorization header holds no bearer; ${WAY}` } : { secret };
}

function whyUnknown(secret: string): string {
  if (looksLikeSecret(secret)) return 'this server does not know that key: it may have been rotated, or belong to another server; ask whoever runs it for a new one';
  return `that is no key of this server: they begin with ${PREFIX} and have 46 characters; ${WAY}`;
}

function callerOf(key: VirtualKey, now: number): Caller {
  const { id, name, project, priority, expiresAt = 0 } = key;
  switch (stateOf(key, now)) {
    case 'active': return { key: name, project, id, ...(priority !== undefined && { priority }) };
    case 'revoked': throw unauthorized(`the key ${JSON.stringify(name)} was revoked; ask whoever runs this server for a new one`);
    case 'expired': throw unauthorized(`the key ${JSON.stringify(name)} expired at ${new Date(expiresAt).toISOString()}; ask whoever runs this server for a new one`);
  }
}

function refuseOutOfScope({ name, models, surfaces }: VirtualKey, { model, surface }: ChatRequest): void {
  if (models !== undefined && !compileGlobs(models)(model)) throw forbidden(`the key ${JSON.stringify(name)} may not ask for ${JSON.stringify(model)}, only for ${models.join(', ')}`);
  if (surfaces !== undefined && !surfaces.includes(surface)) throw forbidden(`the key ${JSON.stringify(name)} may not use ${surface}, only ${surfaces.join(', ')}`);
}

/** Where a client names no maximum: longer than nine of ten chat answers, and what is left over comes back at the end. */
const USUAL_OUTPUT = 1_000;

/** Who names a maximum is taken at its word, so that no number of answers at once can overshoot. */
function expectationOf({ promptTokens, maxOutput = USUAL_OUTPUT, body: { n } }: ChatRequest): { readonly input: number; readonly output: number } {
  return { input: promptTokens, output: maxOutput * (typeof n === 'number' ? n : 1) };
}

const unauthorized = (message: string): FailureError => new FailureError({ kind: 'unauthorized', message });
const forbidden = (message: string): FailureError => new FailureError({ kind: 'forbidden', message });
