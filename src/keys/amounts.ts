/** What virtual keys are limited in, and within what time. */

/**
 * All whole numbers, so that sums are exact whatever is added and taken back in between. Money is counted in billionths
 * of a USD: one token of a model at $0.001 a million still counts.
 */
export interface Amounts {
  readonly requests: number;
  readonly tokens: number;
  readonly nanoUsd: number;
}
export type Measure = keyof Amounts;

export const MEASURES = ['requests', 'tokens', 'nanoUsd'] as const satisfies readonly Measure[];
export const NOTHING: Amounts = { requests: 0, tokens: 0, nanoUsd: 0 };

/** `minute`: any 60 seconds. The others begin at midnight UTC, weeks on Monday. `total` never begins again. */
export const PERIODS = ['minute', 'day', 'week', 'month', 'total'] as const;
export type Period = (typeof PERIODS)[number];

/** At most so much within a period. */
export interface Allowance {
  readonly measure: Measure;
  readonly period: Period;
  readonly most: number;
}

const NANO = 1e-9;

/** Rounded up: what costs anything at all counts. */
export const toNanoUsd = (usd: number): number => Math.ceil(Math.round(usd / NANO * 1000) / 1000);
export const toUsd = (nanoUsd: number): number => Number((nanoUsd * NANO).toFixed(9));
