/** One mistake in a configuration file. Lines and columns count from 1; line 0 means that it stands in no file, e.g. in the environment. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Such as `routing_rules[0].conditions`. Empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Everything that is wrong with one file. The message has one problem a line: `file:line:col path: message`. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(printProblem).join('\n'), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function printProblem({ file, line, column, path, message }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`;
}
