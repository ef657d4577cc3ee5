/**
 * Markdown in a terminal while it streams: headings, bullets, bold, code. Shows each character as soon as it is
 * certain what it means; what it does not know passes as it is.
 */
import type { Paint } from './context.ts';

export interface Markdown {
  /** What can be shown by now. */
  readonly push: (text: string) => string;
  /** The rest, at the end of the answer. */
  readonly end: () => string;
}

type Format = Parameters<Paint>[0];
type Block = 'text' | 'heading' | 'code';

interface Rule {
  readonly pattern: RegExp;
  readonly show: (match: RegExpExecArray) => string;
}

export function createMarkdown(paint: Paint): Markdown {
  let held = '';
  let atStart = true;
  let block: Block = 'text';
  let bold = false;
  let code = false;

  const format = (): Format | undefined => {
    if (block === 'heading') return ['bold', 'cyan'];
    if (block === 'code' || code) return 'cyan';
    return bold ? 'bold' : undefined;
  };
  const shown = (text: string): string => {
    const wanted = format();
    return wanted === undefined ? text : paint(wanted, text);
  };
  const fence: Rule = {
    pattern: /^ {0,3}```[^\n]*(?:\n|$)/,
    show: ([line]) => {
      block = block === 'code' ? 'text' : 'code';
      return paint('dim', line.replace('\n', '')) + (line.endsWith('\n') ? '\n' : '');
    },
  };
  const heading: Rule = {
    pattern: /^#{1,6} /,
    show: () => {
      block = 'heading';
      return '';
    },
  };
  const bullet: Rule = { pattern: /^( *)[-*+] /, show: ([, indent = '']) => `${indent}• ` };
  const newline: Rule = {
    pattern: /^\n/,
    show: () => {
      if (block === 'heading') block = 'text';
      bold = code = false;
      return '\n';
    },
  };
  const strong: Rule = {
    pattern: /^\*\*/,
    show: () => {
      bold = !bold;
      return '';
    },
  };
  const tick: Rule = {
    pattern: /^`/,
    show: () => {
      code = !code;
      return '';
    },
  };
  const star: Rule = { pattern: /^\*/, show: ([text]) => shown(text) };
  const words: Rule = { pattern: /^[^\n*`]+/, show: ([text]) => shown(text) };
  const verbatim: Rule = { pattern: /^[^\n]+/, show: ([text]) => shown(text) };

  const rules = (): readonly Rule[] => {
    if (block === 'code') return atStart ? [fence, newline, verbatim] : [newline, verbatim];
    const inline = code ? [newline, tick, { ...words, pattern: /^[^\n`]+/ }] : [newline, strong, star, tick, words];
    return atStart ? [fence, heading, bullet, ...inline] : inline;
  };

  /** One element off the front, or nothing where no rule knows it. */
  const step = (): string | undefined => {
    for (const { pattern, show } of rules()) {
      const match = pattern.exec(held);
      if (match === null) continue;
      held = held.slice(match[0].length);
      atStart = match[0].endsWith('\n');
      return show(match);
    }
    return undefined;
  };
  const take = (ready: () => boolean): string => {
    const shown: string[] = [];
    for (;;) {
      const element = ready() ? step() : undefined;
      if (element === undefined) return shown.join('');
      shown.push(element);
    }
  };

  return {
    push: (text) => {
      held += text;
      return take(() => !undecided(held, { atStart, code: block === 'code' }));
    },
    end: () => take(() => true),
  };
}

/** More characters could still change what these mean. */
function undecided(text: string, { atStart, code }: { readonly atStart: boolean; readonly code: boolean }): boolean {
  if (atStart && (/^ {0,3}`{1,2}$/.test(text) || /^ {0,3}```[^\n]*$/.test(text) || /^ {1,3}$/.test(text))) return true;
  if (code) return false;
  return text === '*' || (atStart && /^(?:#{1,6}| *[-*+])$/.test(text));
}
