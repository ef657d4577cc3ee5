/** What is checked before a request is read: where it thinks it is going, and what it brings along. */
import type { IncomingMessage } from 'node:http';
import { FailureError } from '../failure.ts';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** Names that were judged and found ours are known as they were sent: a client sends the same with each request. */
const MOST_JUDGED = 100;

/**
 * Throws for a `Host` or an `Origin` this server does not go by: a page on a name that was rebound to 127.0.0.1 must not
 * reach a door that is open to this machine. Undefined: any name will do (every call needs a key).
 */
export function hostGuard(names: readonly string[] | undefined): (request: IncomingMessage) => void {
  if (names === undefined) return () => undefined;
  const known = new Set([...LOOPBACK_NAMES, ...names].map((name) => name.toLowerCase()));
  const judged = new Set<string>();
  const isOurs = (host: string): boolean => {
    if (judged.has(host)) return true;
    if (!known.has(nameOf(host))) return false;
    if (judged.size >= MOST_JUDGED) judged.clear();
    judged.add(host);
    return true;
  };
  return ({ rawHeaders, headers: { host = '', origin } }) => {
    if (hostsIn(rawHeaders) > 1 || !isOurs(host)) {
      throw new FailureError({ kind: 'misdirected', message: 'this server does not answer to that host name; add it to server.allowed_hosts' });
    }
    // Only browsers' own schemes can be forged by a web page; an editor's webview is a program on this machine.
    if (origin !== undefined && (origin === 'null' || /^https?:/i.test(origin)) && !known.has(nameOf(origin.replace(/^https?:\/\//i, '')))) {
      throw new FailureError({ kind: 'forbidden', message: 'pages of that origin may not call this server; add its host to server.allowed_hosts' });
    }
  };
}

function hostsIn(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') hosts += 1;
  return hosts;
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

export function bearerOf({ headers }: IncomingMessage): string | undefined {
  const [scheme = '', token] = (headers.authorization ?? '').split(' ', 2);
  if (scheme.toLowerCase() === 'bearer' && token) return token;
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
