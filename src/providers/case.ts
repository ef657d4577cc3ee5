/** One refusal laid out for the rules, and the words the rules are written in. */
import type { UpstreamFailure } from '../failure.ts';
import type { HttpFailure } from './dialect.ts';
import type { Complaint } from './envelope.ts';
import type { Refusal } from './refusal.ts';

export interface Case {
  readonly status: number;
  /** Absent: not JSON, or JSON that says nothing. */
  readonly complaint: Complaint | undefined;
  /** The complaint's sentence in lower case. */
  readonly text: string;
  readonly refusal: Refusal;
  readonly failure: HttpFailure;
  readonly now: number;
}

type Wordless<Failure> = Failure extends UpstreamFailure ? Omit<Failure, 'message'> : never;
export type Outcome = Wordless<UpstreamFailure>;

export type Condition = (told: Case) => boolean;

export interface Rule {
  readonly when: Condition;
  readonly means: Outcome | ((told: Case) => Outcome);
  /** Added where the provider's own words do not help. */
  readonly say?: string;
}

/** The error's type, code, status or reason is one of these. */
export const named = (...names: readonly string[]): Condition => ({ complaint }) => names.some((name) => complaint?.names.includes(name));
export const says = (pattern: RegExp): Condition => ({ text }) => pattern.test(text);
export const status = (...codes: readonly number[]): Condition => ({ status: code }) => codes.includes(code);
export const statusFrom = (first: number, last: number): Condition => ({ status: code }) => code >= first && code <= last;
export const all = (...conditions: readonly Condition[]): Condition => (told) => conditions.every((holds) => holds(told));
export const any = (...conditions: readonly Condition[]): Condition => (told) => conditions.some((holds) => holds(told));

/** JSON that says something: the provider itself. */
export const spoken: Condition = ({ complaint }) => complaint?.atEdge === false;
/** A filter, a portal, a proxy, which know nothing of keys and models. */
export const unspoken: Condition = (told) => !spoken(told);
