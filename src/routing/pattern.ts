/** Operators' patterns, run by an engine that takes linear time whatever the pattern and the text. */
import { RE2JS } from 're2js';

export interface Pattern {
  readonly source: string;
  readonly test: (text: string) => boolean;
}

export function compilePattern(source: string): Pattern {
  const compiled = RE2JS.compile(source);
  return { source, test: (text) => compiled.test(text) };
}

/** Why a pattern does not compile, if so: a mistake, or something no linear-time engine can do, such as a back reference. */
export function checkPattern(source: string): string | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
