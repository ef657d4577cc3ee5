/** What the daemon answers, by the schemas that `/openapi.json` is written from. */
import type { z } from 'zod';
import type { AnswerName, ANSWERS } from '../http/answers.ts';

type Immutable<T> = T extends readonly (infer Each)[] ? readonly Immutable<Each>[] : T extends object ? { readonly [Name in keyof T]: Immutable<T[Name]> } : T;

export type Answer<Name extends AnswerName> = Immutable<z.output<(typeof ANSWERS)[Name]>>;

export type AccountsAnswer = Answer<'Accounts'>;
export type AccountStatus = AccountsAnswer['accounts'][number];
export type Window = AccountStatus['windows'][number];
export type ProviderStatus = Answer<'Providers'>['providers'][number];

type Explained = Answer<'Explanation'>;
type Candidate = Explained['candidates'][number];
/** Without a daemon nobody knows which account would answer, and when. */
export type Explanation = Omit<Explained, 'candidates'> & { readonly candidates: readonly (Pick<Candidate, 'provider' | 'model'> & Partial<Candidate>)[] };

/** Without a daemon nobody knows what was used. */
export type KeyStatus = Omit<Answer<'VirtualKey'>, 'used'> & { readonly used?: Answer<'VirtualKey'>['used'] | undefined };
export type IssuedKey = KeyStatus & Pick<Answer<'IssuedKey'>, 'secret'>;

/** What a person would ask. */
export interface Prompt {
  readonly prompt: string;
  readonly model: string;
}
