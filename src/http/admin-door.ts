/** The admin door: the admin token as a bearer, or a session that was opened with it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Router } from 'express';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import { check } from '../schema.ts';
import type { Clock } from '../types.ts';
import { addressOf, createAttempts } from './attempts.ts';
import { readJson } from './body.ts';
import { bearerOf } from './guards.ts';
import { createSessions, SESSION_MS } from './sessions.ts';

export interface AdminDoorOptions {
  readonly token: string;
  readonly now: Clock;
  readonly random: (bytes: number) => Buffer;
}

export interface AdminDoor {
  /** `POST /session`, which is how one gets in, and `GET /session`, whether one is: to be mounted before the guard. */
  readonly entrance: Router;
  /** Lets nobody through but the operator. */
  readonly guard: RequestHandler;
  /** `DELETE /session`. */
  readonly exit: Router;
}

export const sessionWanted = z.strictObject({ token: z.string().describe('The admin token.') });

const TOKEN_BODY_LIMIT = 8 * 1024;

export function createAdminDoor({ token, now, random }: AdminDoorOptions): AdminDoor {
  const expected = hash(token);
  const attempts = createAttempts(now);
  const sessions = createSessions({ now, random });

  const prove = (request: IncomingMessage, sent: string): void => {
    const address = addressOf(request);
    attempts.allow(address);
    if (timingSafeEqual(hash(sent), expected)) return attempts.succeeded(address);
    attempts.failed(address);
    throw unauthorized('that is not the admin token; it is in data/admin.token or TOLLFREE_ADMIN_TOKEN');
  };

  const entrance = Router();
  entrance.post('/session', async (request, response) => {
    const { token: sent } = check(sessionWanted, await readJson(request, TOKEN_BODY_LIMIT));
    prove(request, sent);
    const { secret, expiresAt } = sessions.open();
    response.setHeader('set-cookie', cookie(request, secret, SESSION_MS));
    response.status(201).json({ expires_at: new Date(expiresAt).toISOString() });
  });

  entrance.get('/session', (request, response) => {
    const expiry = sessions.expiryOf(secretIn(request) ?? '');
    response.json(expiry === undefined ? {} : { expires_at: new Date(expiry).toISOString() });
  });

  const exit = Router();
  exit.delete('/session', (request, response) => {
    sessions.close(secretIn(request) ?? '');
    response.setHeader('set-cookie', cookie(request, '', 0));
    response.status(204).end();
  });

  return {
    entrance,
    exit,
    guard(request, _response, next) {
      const bearer = bearerOf(request);
      const secret = secretIn(request);
      if (bearer !== undefined) prove(request, bearer);
      else if (secret === undefined || sessions.expiryOf(secret) === undefined) throw unauthorized('this needs the admin token as a bearer; it is in data/admin.token or TOLLFREE_ADMIN_TOKEN');
      else if (!isOurPage(request)) throw new FailureError({ kind: 'forbidden', message: 'a session serves only the dashboard itself; other programs send the admin token as a bearer' });
      next();
    },
  };
}

/** Cookies are sent whoever's page asks, and to every port of a host: only our own pages may act by one. */
function isOurPage({ method, headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  const looksOnly = method === 'GET' || method === 'HEAD';
  if (site !== undefined) return site === 'same-origin' || (looksOnly && site === 'none');
  if (headers.origin !== undefined) return headers.origin.replace(/^https?:\/\//, '') === headers.host;
  return looksOnly;
}

/** Browsers keep cookies by host and not by port: the name tells several daemons on one machine apart. */
const cookieName = ({ socket }: IncomingMessage): string => `tollfree_session_${socket.localPort ?? 0}`;

function cookie(request: IncomingMessage, secret: string, lifeMs: number): string {
  const secure = request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  return `${cookieName(request)}=${secret}; Path=/admin; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(lifeMs / 1000)}${secure}`;
}

function secretIn(request: IncomingMessage): string | undefined {
  const name = `${cookieName(request)}=`;
  return (request.headers.cookie ?? '').split(/; */).find((piece) => piece.startsWith(name))?.slice(name.length);
}

const unauthorized = (message: string): FailureError => new FailureError({ kind: 'unauthorized', message });

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
