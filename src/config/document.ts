/** A YAML text as plain data that still knows where each part stands. */
import { Composer, LineCounter, Parser, isAlias, isMap, isScalar, isSeq, visit, type CST, type Document, type YAMLError } from 'yaml';
import { ConfigError, type Problem } from './problems.ts';

export interface Source {
  readonly text: string;
  /** As told to people. */
  readonly file: string;
}

export type Path = readonly PropertyKey[];
export type Position = Pick<Problem, 'line' | 'column'>;

export interface SyntaxMistake extends Position {
  readonly message: string;
}

export interface ConfigDocument {
  /** Undefined for an empty file. */
  readonly value: unknown;
  /** Mistakes that leave the rest readable: doubled keys, unknown tags. */
  readonly mistakes: readonly SyntaxMistake[];
  /** Where the part at `path` stands, or the nearest part around it that exists. `key`: its name, not its value. */
  readonly locate: (path: Path, part: 'key' | 'value') => Position;
}

/** Parses YAML 1.2, one document. Throws a ConfigError where the text is no YAML. */
export function readDocument({ text, file }: Source): ConfigDocument {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const told = ({ offset, message }: Complaint): SyntaxMistake => ({ ...positionOf(offset), message: oneLine(message) });

  const { document, value, fatal, others } = parse(text, lines);
  if (fatal.length > 0) throw new ConfigError(firstOfEachLine(fatal.map(told)).map((mistake) => ({ file, path: '', ...mistake })));
  return {
    value: value ?? undefined,
    mistakes: others.map(told),
    locate: (path, part) => positionOf(offsetOf(document, path, part)),
  };
}

interface Complaint {
  readonly offset: number;
  readonly message: string;
}

interface Parsed {
  readonly document: Document.Parsed | undefined;
  readonly value: unknown;
  /** The parser guesses what follows, and its guesses would be told as further mistakes. */
  readonly fatal: readonly Complaint[];
  readonly others: readonly Complaint[];
}

function parse(text: string, lineCounter: LineCounter): Parsed {
  const tokens = [...new Parser(lineCounter.addNewLine).parse(text)];
  const deep = tooDeep(tokens);
  if (deep !== undefined) return unreadable({ offset: deep, message: `is nested more than ${DEEPEST} levels deep` });
  const [document, second] = new Composer({ stringKeys: true }).compose(tokens, true, text.length);
  if (document === undefined) throw new Error('composing was told to make a document of whatever there is');
  if (second !== undefined) return unreadable({ offset: second.range[0], message: 'must be one document, without a second ---' });
  const fatal = [...document.errors.filter(({ code }) => code !== 'DUPLICATE_KEY').map(complaintOf), ...strayReferences(document)];
  const others = [...document.errors.filter(({ code }) => code === 'DUPLICATE_KEY'), ...document.warnings].map(complaintOf);
  if (fatal.length > 0) return { document, value: undefined, fatal, others };
  try {
    return { document, value: document.toJS({ maxAliasCount: MOST_ALIASES }), fatal, others };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return unreadable({ offset: 0, message: `repeats its anchors more than ${MOST_ALIASES} times` });
  }
}

function unreadable(complaint: Complaint): Parsed {
  return { document: undefined, value: undefined, fatal: [complaint], others: [] };
}

/** More than any file of ours needs and less than a bomb. */
const MOST_ALIASES = 100;

/** Our deepest path has nine levels. Composing recurses, and a text deep enough to exhaust the stack kills the process. */
const DEEPEST = 50;

/** Where a text goes beyond {@link DEEPEST}, found level by level without recursion. */
function tooDeep(tokens: readonly CST.Token[]): number | undefined {
  let level = [...tokens];
  for (let depth = 0; depth <= DEEPEST; depth += 1) level = level.flatMap(partsOf);
  return level[0]?.offset;
}

function partsOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value]).filter((part) => part !== undefined && part !== null);
}

/** Where the library's words speak to programmers. */
const WORDS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  DUPLICATE_KEY: 'this key stands here twice',
  NON_STRING_KEY: 'keys must be plain text',
};

/** Without the text itself, which the library may quote: somebody may have pasted a key where it does not belong. */
function complaintOf({ pos, code, message }: YAMLError): Complaint {
  return { offset: pos[0], message: WORDS[code] ?? message.replace(/:? ".*/s, '') };
}

/** Aliases of nothing, and the one key that would name an object's prototype. */
function strayReferences(document: Document.Parsed): Complaint[] {
  const anchors = new Set<string>();
  const stray: Complaint[] = [];
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        if (!anchors.has(node.source)) stray.push({ offset: startOf(node), message: `no anchor before this is called &${node.source}` });
      } else if (node.anchor !== undefined) anchors.add(node.anchor);
    },
    Pair: (_key, { key }) => {
      if (isScalar(key) && key.value === '__proto__') stray.push({ offset: startOf(key), message: '__proto__ cannot be a key' });
    },
  });
  return stray;
}

/** One slip makes the parser complain again and again until the line ends. */
function firstOfEachLine(mistakes: readonly SyntaxMistake[]): SyntaxMistake[] {
  const first = new Map<number, SyntaxMistake>();
  for (const mistake of mistakes) if (!first.has(mistake.line)) first.set(mistake.line, mistake);
  return [...first.values()];
}

function offsetOf(document: Document.Parsed | undefined, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document?.contents;
  let key: unknown = node;
  for (const step of path) {
    // Of a doubled key the last one counts.
    const pair = isMap(node) ? node.items.findLast((item) => isScalar(item.key) && item.key.value === step) : undefined;
    const next = pair ?? (isSeq(node) && typeof step === 'number' ? node.items[step] : undefined);
    if (next === undefined) break;
    [key, node] = pair === undefined ? [next, next] : [pair.key, pair.value];
  }
  const pointsAtValue = part === 'value' && (isAlias(node) || (isScalar(node) && node.value !== null));
  return startOf(pointsAtValue ? node : key);
}

function startOf(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}

function oneLine(message: string): string {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  return text.charAt(0).toLowerCase() + text.slice(1);
}
