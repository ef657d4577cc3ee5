/**
 * JSON put together from pieces of the text it was read from. A conversation is sent on as it came but for a name: to write its
 * 30 KB anew costs 115 µs, to copy them 18 where they are prose and 42 where they are code, whose quotes are many. Node 20.20.
 */
import type { Written } from './types.ts';

/** Characters. What is shorter is written anew at no more than finding it costs; most questions are. Measured on Node 20.20. */
const LONG = 2048;

/** A member of the outermost object, by where its value stands in the text. */
interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** How many members the objects in it have, all together. */
  readonly members: number;
}

/** To be kept with what `text` was read as; undefined where that spares nothing, or the text is not at hand. */
export function written(text: string | undefined, body: Written['body']): Written | undefined {
  return text === undefined || text.length < LONG ? undefined : { text, body };
}

/**
 * The same as `JSON.stringify(body)`, to whoever reads it: long values that still are what `asCame` was read as are copied, all others are
 * written anew. So is what reads otherwise than it stands there: a name that is told twice, a number no double holds.
 */
export function stringified(body: Written['body'], asCame: Written | undefined): string {
  const text = asCame?.text;
  if (asCame === undefined || text === undefined) return JSON.stringify(body);
  const copied = longMembers(text).filter(({ name, members }) => Object.hasOwn(body, name) && body[name] === asCame.body[name] && membersIn(body[name]) === members);
  if (copied.length === 0) return JSON.stringify(body);
  const rest: Record<string, unknown> = { ...body };
  for (const { name } of copied) rest[name] = undefined;
  const anew = JSON.stringify(rest);
  const pieces = copied.map(({ name, start, end }) => `"${name}":${text.slice(start, end)}`).join(',');
  return anew === '{}' ? `{${pieces}}` : `${anew.slice(0, -1)},${pieces}}`;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** More names at the top no question has: looking for one told twice must not cost their square. */
const MOST_NAMES = 64;

/** None where a name is told twice or in escapes. `text` is the JSON of an object, and known to be well formed. */
function longMembers(text: string): readonly Member[] {
  const names: string[] = [];
  const found: Member[] = [];
  let at = text.indexOf('"');
  while (at !== -1) {
    const nameEnd = afterString(text, at);
    const name = text.slice(at + 1, nameEnd - 1);
    if (name.includes('\\') || names.includes(name) || names.length === MOST_NAMES) return [];
    names.push(name);
    const start = text.indexOf(':', nameEnd) + 1;
    const { end, members, plain } = valueFrom(text, start);
    if (plain && end - start >= LONG) found.push({ name, start, end, members });
    at = text.indexOf('"', end);
  }
  return found;
}

interface Extent {
  /** Where the comma or the brace behind it stands. */
  readonly end: number;
  readonly members: number;
  /** Its numbers are few digits, without an exponent: what a double holds, and what it tells as it was told. No `-0`. */
  readonly plain: boolean;
}

function valueFrom(text: string, start: number): Extent {
  let depth = 0;
  let members = 0;
  let plain = true;
  let at = start;
  for (;;) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = afterString(text, at);
      continue;
    }
    if (character === OPEN_BRACE || character === OPEN_BRACKET) depth += 1;
    else if (character === COLON) members += 1;
    else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) {
      if (depth === 0) return { end: at, members, plain };
      depth -= 1;
    } else if (character === COMMA) {
      if (depth === 0) return { end: at, members, plain };
    } else if (character === MINUS || (character >= ZERO && character <= NINE)) {
      const end = afterNumber(text, at);
      plain &&= end - at <= MOST_CHARACTERS && !(character === MINUS && text.charCodeAt(at + 1) === ZERO) && !isExponent(text.charCodeAt(end));
      at = end;
      continue;
    } else if (Number.isNaN(character)) return { end: at, members, plain: false };
    at += 1;
  }
}

/** Names and most words are shorter: over these the loop is faster than the search. */
const SHORT = 16;

/** Behind its closing quote. Of a long one only the quotes in it are looked at, and the backslashes before them. */
function afterString(text: string, start: number): number {
  for (let at = start + 1; at < start + SHORT; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) return at + 1;
    if (character === BACKSLASH) break;
  }
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes -= 1;
    if ((at - escapes) % 2 === 0) return at + 1;
  }
  return text.length;
}

/** Of a number: so many digits come back from a double as they went in. */
const MOST_CHARACTERS = 15;

const isExponent = (character: number): boolean => character === 0x65 || character === 0x45;

function afterNumber(text: string, start: number): number {
  let at = start + 1;
  for (let character = text.charCodeAt(at); (character >= ZERO && character <= NINE) || character === POINT; character = text.charCodeAt(at)) at += 1;
  return at;
}

/** How many members the objects in it have, all together. Fewer than its text has where one is told twice: the last counts. */
function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) for (const one of value) members += membersIn(one);
  else for (const name in value) members += 1 + membersIn((value as Readonly<Record<string, unknown>>)[name]);
  return members;
}
