/** What went wrong below HTTP, as a failure people can act on. */
import { FailureError } from '../failure.ts';
import type { UpstreamFailure } from '../failure.ts';

export interface Whereabouts {
  readonly host: string;
  /** How far the call had come when it failed. */
  readonly phase: 'connecting' | 'sent' | 'answering';
  /** Whether the connection had been there before the call. */
  readonly kept?: () => boolean;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has no address; check base_url and the resolver',
  EAI_AGAIN: 'could not be resolved for now',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached from here',
  ECONNRESET: 'reset the connection',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'stopped answering',
  UND_ERR_SOCKET: 'closed the connection without an answer',
};

/** How it looks when the other side was gone. */
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** llhttp's names for what is not HTTP, and undici's; it leaves some without. */
const NO_HTTP = /^(HPE_|HTTPParserError|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES_)/;
/** OpenSSL's and Node's names for certificates and handshakes that do not hold. */
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

/** Faults of connecting concern everybody at this provider; faults of one exchange, this model. */
export function transportFailure(error: unknown, whereabouts: Whereabouts): FailureError {
  if (error instanceof FailureError) return error;
  const code = codeOf(error);
  return new FailureError(failureAt(whereabouts, code, error), { cause: error });
}

function failureAt({ host, phase, kept }: Whereabouts, code: string, error: unknown): UpstreamFailure {
  if (phase === 'answering') return { kind: 'broken-answer', message: `${host} broke its answer off (${code || 'no reason given'})` };
  if (code === 'ERR_DESTINATION') return { kind: 'overloaded', scope: 'provider', unsent: true, message: (error as Error).message };
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { kind: 'silent', phase: 'connect', scope: 'provider', unsent: true, message: `${host} did not take the connection in time` };
  if (TLS.test(code)) return { kind: 'overloaded', scope: 'provider', unsent: true, message: `${host} has no TLS that can be trusted (${code}); check base_url and the system's certificates` };
  if (NO_HTTP.test(code)) return { kind: 'broken-answer', message: `${host} answered with something that is not HTTP (${code})` };
  if (phase === 'sent' && GONE.has(code) && kept?.() === true) return { kind: 'stale-connection', message: `${host} had closed a connection it kept, just as it was used again (${code})` };
  // Whoever took the connection and broke it is there: no reason to rest everybody.
  const everybody = phase === 'connecting' ? { scope: 'provider' as const, unsent: true } : {};
  return { kind: 'overloaded', ...everybody, message: `${host} ${UNREACHABLE[code] ?? `could not be called (${code || 'no reason given'})`}` };
}

/** Happy eyeballs fail with a list of reasons: the first is as good as any. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) return codeOf(error.errors[0]);
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'name' in error && typeof error.name === 'string' ? error.name : '';
}
