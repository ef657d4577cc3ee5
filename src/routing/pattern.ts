/** Operators' patterns, run by an engine that takes linear time whatever the pattern and the text. */
import { RE2JS } from 're2js';

/** Whether one of the patterns matches somewhere in a text. */
export type AnyPattern = (text: string) => boolean;

/** As one alternation: a text is read once, however many patterns there are. Flags such as `(?m)` stay within their own. */
export function compilePatterns(sources: readonly string[]): AnyPattern {
  const compiled = RE2JS.compile(sources.map((source) => `(?:${source})`).join('|'));
  return (text) => compiled.test(text);
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
