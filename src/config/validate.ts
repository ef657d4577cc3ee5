/** A file against its schema: the value, or every mistake in it with its place. */
import type { z } from 'zod';
import { describeIssue } from './describe.ts';
import { readDocument, type ConfigDocument, type Path, type Source } from './document.ts';
import type { Parsed } from './parsed.ts';
import { ConfigError, type Problem } from './problems.ts';

/** A mistake by its path in the data. `key`: the name is wrong, not what it holds. */
export interface Mistake {
  readonly path: Path;
  readonly message: string;
  readonly part?: 'key' | 'value';
}

export interface Checked extends Source {
  readonly parsed?: Parsed | undefined;
}

/**
 * @param crossCheck Finds mistakes between parts of the file. Sees the data as written, so that it can tell them together
 *   with the schema's, and must expect any shape.
 * @throws ConfigError with all mistakes, in the order of the file.
 */
export function validate<S extends z.ZodType>(source: Checked, schema: S, crossCheck: (written: unknown) => Mistake[] = () => []): z.output<S> {
  const known = source.parsed?.find(source);
  if (known !== undefined && crossCheck(known).length === 0) {
    const result = schema.safeParse(known);
    if (result.success) return result.data;
  }
  // Mistakes are told by their place, and only the text knows it.
  const document = readDocument(source);
  const written = document.value ?? {};
  const result = schema.safeParse(written, { error: describeIssue });
  const mistakes = [...(result.success ? [] : result.error.issues.flatMap((issue) => mistakesOf(issue))), ...crossCheck(written)];
  if (mistakes.length + document.mistakes.length > 0 || !result.success) throw new ConfigError(inOrder(mistakes, document, source.file));
  source.parsed?.keep(source, written);
  return result.data;
}

function mistakesOf(issue: z.core.$ZodIssue, above: Path = []): Mistake[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], message: messages[index] ?? 'unknown key', part: 'key' }));
  }
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message, part: 'key' }];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((branch) => !branch.some(isAnotherShape));
    if (meant !== undefined) return meant.flatMap((inner) => mistakesOf(inner, path));
  }
  return [{ path, message: issue.message }];
}

/** The branch of a union is out of the question: not even the kind of value fits. */
function isAnotherShape(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function inOrder(mistakes: readonly Mistake[], document: ConfigDocument, file: string): Problem[] {
  const located = mistakes.map(({ path, message, part = 'value' }) => ({ file, ...document.locate(path, part), path: printPath(path), message }));
  const unreadable = document.mistakes.map((mistake) => ({ file, path: '', ...mistake }));
  return [...unreadable, ...located].sort((a, b) => a.line - b.line || a.column - b.column);
}

function printPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const name = String(step);
      if (!/^[\w-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}
