/** The door out: a call made whole at the last moment, and everything that comes back told in our own words. */
import { FailureError } from '../failure.ts';
import type { Account, Clock, Outgoing, Send } from '../types.ts';
import type { Http } from './call.ts';
import type { Dialect } from './dialect.ts';
import { dialects } from './dialects.ts';
import { readHeaderFacts } from './limits.ts';
import { readPayloads } from './payloads.ts';
import { ofPath, relayed } from './relay.ts';
import { scrubbed } from './scrub.ts';
import { readText } from './text.ts';

export interface SendOptions {
  readonly http: Http;
  /** The account's credential, opened for this origin. Throws a FailureError where it was sealed for another. */
  readonly credentialOf: (account: Account, origin: string) => string;
  readonly now: Clock;
  /** The longest one event may take to be whole, milliseconds. */
  readonly eventMs?: number;
}

/** A refusal's body comes with its head. Where it does not, the status alone says enough to go on. */
const REFUSAL_MS = 1000;

export function createSend({ http, credentialOf, now, eventMs }: SendOptions): Send {
  return async ({ request, target, account, stallMs }: Outgoing, signal) => {
    const { provider, model } = target;
    const dialect = dialectOf(provider.dialect);
    const { origin, host } = new URL(provider.baseUrl);
    const credential = credentialFor(account, origin, credentialOf);

    const told = await http.call(dialect.encode(request, target, credential), { origin, stallMs }, signal);
    const answer = { ...told, bytes: scrubbed(told.bytes, credential) };
    const { status, headers } = answer;
    const refuse = (body: string): FailureError => {
      const failure = dialect.explain({ status, headers, body, provider: provider.name, model: model.name }, now());
      return new FailureError(request.surface === 'proxy' ? ofPath(failure) : failure);
    };
    if (status < 200 || status > 299) throw refuse(await readText(answer, REFUSAL_MS));
    return {
      facts: readHeaderFacts({ headers, provider: provider.name }, now()),
      chunks: request.relay === undefined ? dialect.decode(readPayloads({ bytes: answer.bytes, drain: answer.drain, host, now, eventMs }), refuse) : relayed(answer, refuse),
    };
  };
}

function dialectOf(name: string): Dialect {
  const dialect = dialects.get(name);
  if (dialect === undefined) throw new Error(`no dialect ${name}`);
  return dialect;
}

function credentialFor(account: Account, origin: string, credentialOf: SendOptions['credentialOf']): string {
  const unfit = (why: string): FailureError =>
    new FailureError({ kind: 'credential', message: `the key of ${account.provider}/${account.label} ${why}; add the account again` });
  if (account.origin !== origin) throw unfit(`was sealed for ${account.origin} and does not go to ${origin}`);
  const credential = credentialOf(account, origin);
  if (!/^[\x21-\x7e]+$/.test(credential)) throw unfit('holds characters no key has');
  return credential;
}
