/** Writes down every act of an operator over HTTP: which route, from where, and what came of it. */
import type { RequestHandler } from 'express';
import { addressOf } from './attempts.ts';

/** One act, without its body: that may hold keys and prompts. */
export interface AdminAct {
  readonly by: string;
  readonly act: string;
  readonly result: string;
  readonly from: string;
}

/** Routes that only ask, though a question with a body has to be a POST. Whatever else is no GET is an act. */
const QUESTIONS = /^\/(?:explain|chat|rules\/check)\/?$/;
/** Somebody without the token has done nothing, and must not be able to fill the disk with it. */
const TURNED_AWAY: ReadonlySet<number> = new Set([401, 429]);
/** Ids are shorter; what is longer is no route of ours. */
const LONGEST_PATH = 120;

/** To be mounted at `/admin`, before its routes. */
export function auditRequests(audit: (act: AdminAct) => void): RequestHandler {
  return (request, response, next) => {
    const { method, baseUrl, path } = request;
    if (method !== 'GET' && method !== 'HEAD' && !QUESTIONS.test(path)) {
      const from = addressOf(request);
      response.once('close', () => {
        const { statusCode, writableFinished } = response;
        if (TURNED_AWAY.has(statusCode)) return;
        audit({ by: 'admin', act: `${method} ${`${baseUrl}${path}`.slice(0, LONGEST_PATH)}`, result: writableFinished ? String(statusCode) : 'left', from });
      });
    }
    next();
  };
}
