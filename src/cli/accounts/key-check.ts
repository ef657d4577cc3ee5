/** What a provider says of a key, as the commands tell it. */
import { FailureError } from '../../failure.ts';
import type { Inquiry } from '../../providers/inquire.ts';
import type { Provider } from '../../types.ts';

export interface KeyCheck {
  /** `unknown`: neither yes nor no, e.g. unreachable. `uncheckable`: it has no door for that which costs no quota. */
  readonly result: 'good' | 'refused' | 'unknown' | 'uncheckable';
  /** For people. */
  readonly detail: string;
}

/** A person waits: a provider that needs longer is not well. */
const PATIENCE_MS = 10_000;

export async function checkKey(inquiry: Inquiry, { provider, key }: { readonly provider: Provider; readonly key: string }, stopped: AbortSignal): Promise<KeyCheck> {
  try {
    const { ok, message, tier } = await inquiry.checkKey(provider, key, AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE_MS)]));
    if (!ok) return { result: 'refused', detail: message };
    return { result: provider.keyCheckPath === undefined ? 'uncheckable' : 'good', detail: tier === undefined ? message : `${message} (${tier})` };
  } catch (error) {
    if (stopped.aborted || !(error instanceof FailureError)) throw error;
    return { result: 'unknown', detail: error.failure.kind === 'cancelled' ? `no answer within ${PATIENCE_MS / 1000} s` : error.failure.message };
  }
}
