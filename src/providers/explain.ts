/** A first, rough reading of refusals by their status alone. */
import type { UpstreamFailure } from '../failure.ts';
import type { HttpFailure } from './dialect.ts';
import { readComplaint } from './envelope.ts';
import { isRecord } from './json.ts';

export function explain({ status, body, provider }: HttpFailure, _now: number): UpstreamFailure {
  const complaint = readComplaint(body);
  const real = complaint?.status ?? (status < 300 ? 502 : status);
  const message = `${provider} answered ${real}: ${complaint?.message ?? 'no reason given'}`;
  const told = { message, upstreamStatus: real };
  if (real === 402) return { kind: 'balance', ...told };
  if (real === 401) return { kind: 'credential', ...told };
  if (real === 403) return { kind: isRecord(complaint) ? 'model-access' : 'overloaded', ...told };
  if (real === 404 || real === 410) return { kind: 'model-gone', ...told };
  if (real === 413) return { kind: 'too-long', ...told };
  if (real === 429) return { kind: 'rate-minute', ...told };
  if (real >= 500 || real === 408 || real === 409 || real === 425) return { kind: 'overloaded', ...told };
  return { kind: 'caller', ...told };
}
