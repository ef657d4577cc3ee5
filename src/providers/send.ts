/** The door out: a call made whole at the last moment, and everything that comes back told in our own words. */
import { FailureError } from '../failure.ts';
import type { Account, Clock, Outgoing, Provider, Send } from '../types.ts';
import type { Http, HttpAnswer } from './call.ts';
import { dialectNamed } from './dialects.ts';
import { readHeaderFacts } from './limits.ts';
import { readChunks } from './payloads.ts';
import { ofPath, relayed } from './relay.ts';
import { scrubbed } from './scrub.ts';
import { readText } from './text.ts';
import { wordingOf } from './transcript.ts';

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
  const known = new WeakMap<Provider, Pick<URL, 'origin' | 'host'>>();
  const whereabouts = (provider: Provider): Pick<URL, 'origin' | 'host'> => {
    const { origin, host } = known.get(provider) ?? new URL(provider.baseUrl);
    known.set(provider, { origin, host });
    return { origin, host };
  };
  return async ({ request, target, account, stallMs, traceparent }: Outgoing, signal) => {
    const { provider, model } = target;
    const dialect = dialectNamed(provider.dialect);
    const { origin, host } = whereabouts(provider);
    const credential = credentialFor(account, origin, credentialOf);

    const call = dialect.encode(request, target, credential);
    const answer = await http.call(traceparent === undefined ? call : { ...call, headers: { ...call.headers, traceparent } }, { origin, stallMs }, signal);
    const { status, headers } = answer;
    const clean = (): HttpAnswer => ({ ...answer, bytes: scrubbed(answer.bytes, credential) });
    const refuse = (body: string): FailureError => {
      const failure = dialect.explain({ status, headers, body, provider: provider.name, model: model.name }, now());
      return new FailureError(request.surface === 'proxy' ? ofPath(failure) : failure);
    };
    if (status < 200 || status > 299) throw refuse(await readText(clean(), REFUSAL_MS));
    return {
      // Who answers has more than a limit of none: that is how some write that they have none.
      facts: readHeaderFacts({ headers, provider: provider.name }, now()).filter(({ limit }) => limit !== 0),
      chunks: request.relay === undefined ? readChunks(answer, dialect.decode(refuse, request.original?.dialect === provider.dialect), { credential, host, now, eventMs }) : relayed(clean(), refuse, wordingOf(request)),
    };
  };
}

function credentialFor(account: Account, origin: string, credentialOf: SendOptions['credentialOf']): string {
  const unfit = (why: string): FailureError =>
    new FailureError({ kind: 'credential', message: `the key of ${account.provider}/${account.label} ${why}; add the account again` });
  if (account.origin !== origin) throw unfit(`was sealed for ${account.origin} and does not go to ${origin}`);
  const credential = credentialOf(account, origin);
  if (!/^[\x21-\x7e]+$/.test(credential)) throw unfit('holds characters no key has');
  return credential;
}
