/** What is checked before a request is read: where it thinks it is going, and what it brings along. */
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { FailureError } from '../failure.ts';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses a `Host` or an `Origin` this server does not go by: a page on a name that was rebound to 127.0.0.1
 * must not reach a door that is open to this machine. Undefined: any name will do (every call needs a key).
 */
export function hostGuard(names: readonly string[] | undefined): RequestHandler {
  if (names === undefined) return (_request, _response, next) => next();
  const known = new Set([...LOOPBACK_NAMES, ...names].map((name) => name.toLowerCase()));
  return (request, _response, next) => {
    const hosts = request.rawHeaders.filter((value, index) => index % 2 === 0 && value.toLowerCase() === 'host').length;
    if (hosts > 1 || !known.has(nameOf(request.headers.host ?? ''))) {
      next(new FailureError({ kind: 'misdirected', message: 'this server does not answer to that host name; add it to server.allowed_hosts' }));
      return;
    }
    const { origin } = request.headers;
    // Only browsers' own schemes can be forged by a web page; an editor's webview is a program on this machine.
    if (origin !== undefined && (origin === 'null' || /^https?:/i.test(origin)) && !known.has(nameOf(origin.replace(/^https?:\/\//i, '')))) {
      next(new FailureError({ kind: 'forbidden', message: 'pages of that origin may not call this server; add its host to server.allowed_hosts' }));
      return;
    }
    next();
  };
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
