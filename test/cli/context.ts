/** A context for tests: streams that remember, an environment of its own. */
import { PassThrough, Readable } from 'node:stream';
import { createSink, type Context } from '../../src/cli/context.ts';
import { run } from '../../src/cli/program.ts';

export interface Heard {
  readonly status: number;
  readonly out: string;
  readonly words: string;
}

export interface Stage {
  readonly environment?: NodeJS.ProcessEnv;
  readonly directory?: string;
  readonly stdin?: string;
  /** Both outgoing streams are terminals of so many columns. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
}

const remembering = (columns: number | undefined): { readonly stream: PassThrough & { isTTY?: boolean; columns?: number }; readonly text: () => string } => {
  const stream = new PassThrough();
  const pieces: string[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece.toString()));
  return { stream: columns === undefined ? stream : Object.assign(stream, { isTTY: true, columns }), text: () => pieces.join('') };
};

export function createStage({ environment = {}, directory = process.cwd(), stdin = '', columns, signal = new AbortController().signal }: Stage = {}): { readonly context: Context; readonly heard: () => Omit<Heard, 'status'> } {
  const out = remembering(columns);
  const words = remembering(columns);
  const context: Context = {
    environment,
    directory,
    stdin: Readable.from([stdin]),
    out: createSink(out.stream, environment),
    words: createSink(words.stream, environment),
    now: Date.now,
    stopped: () => signal,
  };
  return { context, heard: () => ({ out: out.text(), words: words.text() }) };
}

/** Runs a command line in this process. */
export async function tollfree(commandLine: readonly string[], stage?: Stage): Promise<Heard> {
  const { context, heard } = createStage(stage);
  const status = await run(commandLine, context);
  return { status, ...heard() };
}
