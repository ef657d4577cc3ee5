/** `GET /admin/activity?range=hour|day`: the recent past in short steps, for plots. Kept in memory since the start; days and months are the record's. */
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { check } from '../schema.ts';
import type { Clock, GatewayEvent } from '../types.ts';
import { bucketOf, BUCKETS, percentile } from '../usage/latency.ts';

export interface Activity {
  /** Must hear every gateway event. */
  readonly observe: (event: GatewayEvent) => void;
  readonly route: RequestHandler;
}

interface Sums {
  requests: number;
  failures: number;
  refused: number;
  fallbacks: number;
  tokens_in: number;
  tokens_out: number;
  saved_usd: number;
  used: number;
  unvalued_requests: number;
  readonly latencies: number[];
}

const MINUTE_MS = 60_000;
/** 1,440 small objects, under half a megabyte. */
const KEPT_MINUTES = 24 * 60;

/** About a hundred points each: as many as a plot on a phone can show. */
const RANGES = { hour: { minutes: 60, step: 1 }, day: { minutes: KEPT_MINUTES, step: 15 } };

export const activityParameters = z.strictObject({ range: z.enum(['hour', 'day'], { error: 'must be one of hour, day; /admin/usage-stats has days and months' }).default('hour') });

export function createActivity(now: Clock): Activity {
  const startedAt = now();
  const minutes = new Map<number, Sums>();

  const current = (): Sums => {
    const minute = Math.floor(now() / MINUTE_MS);
    const known = minutes.get(minute);
    if (known !== undefined) return known;
    const sums = emptySums();
    minutes.set(minute, sums);
    for (const old of minutes.keys()) {
      if (old > minute - KEPT_MINUTES) break;
      minutes.delete(old);
    }
    return sums;
  };

  return {
    observe(event) {
      if (event.type === 'request-refused' && event.refusal.asked) current().refused += 1;
      if (event.type === 'request-finished') addRequest(current(), event);
    },
    route(request, response) {
      const { range: name } = check(activityParameters, request.query);
      const range = RANGES[name];
      const { step } = range;
      const last = Math.floor(now() / MINUTE_MS / step);
      const points = Array.from({ length: range.minutes / step }, (_, index) => {
        const first = (last - range.minutes / step + 1 + index) * step;
        const parts = Array.from({ length: step }, (_, offset) => minutes.get(first + offset)).filter((sums) => sums !== undefined);
        return { at: new Date(first * MINUTE_MS).toISOString(), ...tellSums(parts) };
      });
      response.json({ range: name, step_seconds: step * 60, since: new Date(startedAt).toISOString(), points });
    },
  };
}

const emptySums = (): Sums => ({ requests: 0, failures: 0, refused: 0, fallbacks: 0, tokens_in: 0, tokens_out: 0, saved_usd: 0, used: 0, unvalued_requests: 0, latencies: Array.from({ length: BUCKETS }, () => 0) });

function addRequest(sums: Sums, { summary }: GatewayEvent & { type: 'request-finished' }): void {
  sums.requests += 1;
  sums.fallbacks += Math.max(0, summary.attempts.filter(({ sent }) => sent).length - 1);
  sums.tokens_in += summary.usage?.input ?? 0;
  sums.tokens_out += summary.usage?.output ?? 0;
  sums.saved_usd += summary.savedUsd ?? 0;
  if (summary.failure === undefined || summary.usage !== undefined) {
    sums.used += 1;
    if (summary.savedUsd === undefined) sums.unvalued_requests += 1;
  }
  if (summary.failure !== undefined) {
    sums.failures += 1;
    return;
  }
  const bucket = bucketOf(summary.totalMs);
  sums.latencies[bucket] = (sums.latencies[bucket] ?? 0) + 1;
}

function tellSums(parts: readonly Sums[]): object {
  const total = emptySums();
  for (const { latencies, ...sums } of parts) {
    for (const [bucket, count] of latencies.entries()) total.latencies[bucket] = (total.latencies[bucket] ?? 0) + count;
    for (const name of ['requests', 'failures', 'refused', 'fallbacks', 'tokens_in', 'tokens_out', 'saved_usd', 'used', 'unvalued_requests'] as const) total[name] += sums[name];
  }
  const { latencies, used, saved_usd: saved, ...sums } = total;
  // Where nobody knows any of it, nobody knows the sum.
  return { ...sums, saved_usd: used > 0 && sums.unvalued_requests === used ? null : saved, p50_ms: percentile(latencies, 0.5) ?? null, p95_ms: percentile(latencies, 0.95) ?? null };
}
