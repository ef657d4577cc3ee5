/**
 * Markdown in a terminal while it streams: headings, lists, quotes, rules, links, emphasis, code. Shows each character
 * as soon as it is certain what it means, and never takes one back; what it does not know passes as it is.
 */
import type { Paint } from './context.ts';
import type { Flow } from './flow.ts';

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

/** For text that is set elsewhere. */
const unset: Flow = { push: (text) => text, end: () => '' };

/** Long enough for a drawn line to be one, short enough for every window. */
const RULE = '─'.repeat(24);

/** Prose is set by `flow`; code keeps its lines, so that it can be copied. */
export function createMarkdown(paint: Paint, flow = unset): Markdown {
  let held = '';
  let atStart = true;
  let block: Block = 'text';
  let bold = false;
  let italic = false;
  let code = false;
  /** The last character, as it was written. */
  let before = '';

  const format = (): Format | undefined => {
    if (block === 'heading') return ['bold', 'cyan'];
    if (block === 'code' || code) return 'cyan';
    if (bold && italic) return ['bold', 'italic'];
    return bold ? 'bold' : italic ? 'italic' : undefined;
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
  const quote: Rule = { pattern: /^ {0,3}> ?/, show: () => paint('dim', '│ ') };
  const line: Rule = { pattern: /^ {0,3}(?:-{3,}|\*{3,}|_{3,}) *(\n|$)/, show: ([, end = '']) => paint('dim', RULE) + end };
  const newline: Rule = {
    pattern: /^\n/,
    show: () => {
      if (block === 'heading') block = 'text';
      bold = italic = code = false;
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
  const link: Rule = { pattern: LINK, show: ([, text = '', address = '']) => `${paint('underline', text)} ${paint('dim', `(${address})`)}` };
  const star: Rule = {
    pattern: /^\*/,
    show: ([text]) => {
      const opens = !italic && !/\w/.test(before) && /^\*\S/.test(held);
      if (!italic && !opens) return shown(text);
      italic = opens;
      return '';
    },
  };
  const bracket: Rule = { pattern: /^\[/, show: ([text]) => shown(text) };
  const words: Rule = { pattern: /^[^\n*`[]+/, show: ([text]) => shown(text) };
  const verbatim: Rule = { pattern: /^[^\n]+/, show: ([text]) => shown(text) };

  const rules = (): readonly Rule[] => {
    if (block === 'code') return atStart ? [fence, newline, verbatim] : [newline, verbatim];
    const inline = code ? [newline, tick, { ...words, pattern: /^[^\n`]+/ }] : [newline, strong, star, tick, link, bracket, words];
    return atStart ? [fence, line, heading, bullet, quote, ...inline] : inline;
  };

  /** One element off the front, or nothing where no rule knows it. */
  const step = (): string | undefined => {
    for (const { pattern, show } of rules()) {
      const match = pattern.exec(held);
      if (match === null) continue;
      const text = show(match);
      held = held.slice(match[0].length);
      before = match[0].slice(-1);
      atStart = before === '\n';
      return block === 'code' ? flow.end() + text : flow.push(text);
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
    end: () => take(() => true) + flow.end(),
  };
}

/** What is longer than that is no link anybody wrote. */
const LINK = /^\[([^\]\n]{1,200})\]\(([^)\s]{1,500})\)/;
const LINK_SO_FAR = /^\[(?:[^\]\n]{0,200}|[^\]\n]{1,200}\](?:\([^)\s]{0,500})?)$/;

/** More characters could still change what these mean. */
function undecided(text: string, { atStart, code }: { readonly atStart: boolean; readonly code: boolean }): boolean {
  if (atStart && (/^ {0,3}`{1,2}$/.test(text) || /^ {0,3}```[^\n]*$/.test(text) || /^ +$/.test(text))) return true;
  if (code) return false;
  if (atStart && (/^(?:#{1,6}| *[-*+]| {0,3}>)$/.test(text) || /^ {0,3}(?:-+|\*+|_+) *$/.test(text))) return true;
  return text === '*' || LINK_SO_FAR.test(text);
}
