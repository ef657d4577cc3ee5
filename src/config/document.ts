/** A YAML text as plain data that still knows where each part stands. */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Pair } from 'yaml';
import { ConfigError, type Problem } from './problems.ts';

export interface Source {
  readonly text: string;
  /** As told to people. */
  readonly file: string;
}

export type Path = readonly PropertyKey[];
export type Position = Pick<Problem, 'line' | 'column'>;

export interface ConfigDocument {
  /** Undefined for an empty file. */
  readonly value: unknown;
  /** Where the part at `path` stands, or the nearest part around it that exists. `key`: its name, not its value. */
  locate(path: Path, part: 'key' | 'value'): Position;
}

/** Parses YAML 1.2, one document. Throws a ConfigError with every syntax mistake. */
export function readDocument({ text, file }: Source): ConfigDocument {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refuse = (problems: readonly { offset: number; message: string }[]): ConfigError =>
    new ConfigError(problems.map(({ offset, message }) => ({ file, ...positionOf(offset), path: '', message: oneLine(message) })));

  const { document, value, failure } = parseSafely(text, lines);
  if (document === undefined || failure !== undefined) throw refuse([{ offset: 0, message: failure ?? 'is no YAML' }]);
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) throw refuse(mistakes.map(({ pos, message }) => ({ offset: pos[0], message })));
  return { value: value ?? undefined, locate: (path, part) => positionOf(offsetOf(document, path, part)) };
}

interface Parsed {
  readonly document?: Document.Parsed;
  readonly value?: unknown;
  readonly failure?: string;
}

/** The parser throws where a text nests deeper than the stack or repeats an alias without end. */
function parseSafely(text: string, lineCounter: LineCounter): Parsed {
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true, logLevel: 'error' });
    // A hundred uses of anchors is more than any file of ours needs and less than a bomb.
    const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
    return { document, value };
  } catch (error) {
    const deep = error instanceof RangeError;
    return { failure: deep ? 'is nested too deeply' : error instanceof Error ? error.message : 'is no YAML' };
  }
}

function offsetOf(document: Document.Parsed, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let key: unknown = document.contents;
  for (const step of path) {
    const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === step) : undefined;
    const next = pair ?? (isSeq(node) && typeof step === 'number' ? node.items[step] : undefined);
    if (next === undefined) break;
    [key, node] = pair === undefined ? [next, next] : [pair.key, valueOf(pair)];
  }
  const pointsAtValue = part === 'value' && (isAlias(node) || (isScalar(node) && node.value !== null));
  return startOf(pointsAtValue ? node : key);
}

function valueOf(pair: Pair): unknown {
  return pair.value;
}

function startOf(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}

function oneLine(message: string): string {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  return text.charAt(0).toLowerCase() + text.slice(1);
}
