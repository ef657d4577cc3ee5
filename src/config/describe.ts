/** What a person is told about a value that does not fit its schema. */
import type { z } from 'zod';
import { didYouMean } from '../near-miss.ts';

const WANTED: Readonly<Record<string, string>> = {
  string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', object: 'a mapping', record: 'a mapping', array: 'a list',
};

/** Messages for the parser of zod. A schema's own message goes before these. One line for each unknown key. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, knownKeys(issue.inst));
  if (issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) return 'is missing';
  if (issue.code === 'invalid_type') return wrongType(issue.expected, issue.input);
  if (issue.code === 'invalid_value') return notOneOf(issue.input, issue.values.map(String));
  if (issue.code === 'too_small') return issue.origin === 'number' || issue.origin === 'int' ? `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}` : 'must not be empty';
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
  return undefined;
};

/** A name that points at nothing: `kind` is what it should name. */
export function unknownName(kind: string, written: string, known: readonly string[]): string {
  return `no ${kind} is called ${shown(written)}${didYouMean(written, known) || ` (there are: ${known.join(', ')})`}`;
}

function notOneOf(written: unknown, known: readonly string[]): string {
  const not = typeof written === 'string' ? `${shown(written)}${didYouMean(written, known)}` : nameOf(written);
  return `must be one of ${known.join(', ')}, not ${not}`;
}

/** A written value, short enough for a line. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys.map((key) => `unknown key${didYouMean(key, known) || ` (known here: ${known.join(', ')})`}`).join('\n');
}

function knownKeys(schema: unknown): string[] {
  const shape: unknown = dig(dig(dig(schema, '_zod'), 'def'), 'shape');
  return typeof shape === 'object' && shape !== null ? Object.keys(shape) : [];
}

function dig(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function wrongType(expected: string, input: unknown): string {
  const wanted = WANTED[expected] ?? expected;
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')) return `must be text, not ${nameOf(input)}: put it in quotes`;
  return `must be ${wanted}, not ${nameOf(input)}`;
}

/** Text is not quoted: somebody may have pasted a key where it does not belong. */
function nameOf(input: unknown): string {
  if (input === null) return 'empty';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a mapping';
  if (typeof input === 'string') return 'text';
  return typeof input === 'number' ? `the number ${input}` : `${input === true}`;
}
