/** What headers say about windows. */
import type { Fact } from '../types.ts';
import type { HttpHeaders } from './dialect.ts';

export function readHeaderFacts(_answer: { readonly headers: HttpHeaders; readonly provider: string }, _now: number): readonly Fact[] {
  return [];
}
