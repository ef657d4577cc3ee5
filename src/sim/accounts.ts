import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { KnownAccount } from './limits.ts';
import type { Call, Wire } from './types.ts';

const bearer = ({ authorization }: IncomingHttpHeaders): string | undefined => /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];

/** Tells keys apart in records without keeping them. */
const fingerprint = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

/**
 * Whose key it is. `sim-<provider>-<name>` and `<provider's prefix>sim-<name>` belong to account `<name>`, any other
 * key of the right prefix to an account of its own, named after its fingerprint. `.org-<name>.` anywhere in a key puts
 * the account into that organisation; otherwise it is one of its own.
 */
export function holderOf(wire: Pick<Wire, 'name' | 'keyPrefix'>, headers: IncomingHttpHeaders, known: readonly KnownAccount[]): Call['holder'] {
  const key = bearer(headers);
  if (key === undefined) return undefined;
  const named = [`sim-${wire.name}-`, `${wire.keyPrefix}sim-`].find((prefix) => key.startsWith(prefix));
  if (named === undefined && !key.startsWith(wire.keyPrefix) && !known.some((entry) => entry.key === key)) return 'unknown';
  const account = named === undefined ? `${wire.keyPrefix}${fingerprint(key)}` : key.slice(named.length).replace(/\.org-[^.]+\.?/, '');
  const entry = known.find((candidate) => candidate.key === key) ?? known.find((candidate) => candidate.key === undefined && candidate.account === account);
  if (entry !== undefined) return { account: entry.account, organization: entry.organization, ...(entry.credits !== undefined && { credits: entry.credits }) };
  return { account, organization: /\.org-([^.]+)/.exec(key)?.[1] ?? account };
}
