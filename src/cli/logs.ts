/** `tollfree logs`: what the daemon wrote down, readable. */
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { readEntry, renderEntry, type Entry } from './logs/entry.ts';
import { lastLines, newLines } from './logs/tail.ts';
import { textOrJsonOption, wholeNumber } from './options.ts';
import { printLines } from './output.ts';
import { placesOf, shortly } from './places.ts';
import { harmless } from './text.ts';

const LEVELS = ['error', 'warn', 'info', 'debug'];

interface Wanted {
  readonly level: string;
  readonly failed?: true;
  readonly request?: string;
  readonly provider?: string;
}

interface Options extends Wanted {
  readonly follow?: true;
  readonly lines: number;
  readonly output: 'text' | 'json';
}

export function registerLogs(program: Command, context: Context): void {
  program
    .command('logs')
    .description('what the daemon wrote down: requests with their story, accounts, notices')
    .option('-f, --follow', 'keep showing what is added, over rotations, until Ctrl-C')
    .option('-n, --lines <number>', 'how many of the last ones', wholeNumber(1_000_000), 20)
    .addOption(new Option('-l, --level <level>', 'this and what is graver').choices(LEVELS).default('debug'))
    .option('--failed', 'only requests that were not answered')
    .option('-r, --request <id>', 'only this request, as x-request-id names it; its beginning is enough')
    .option('-p, --provider <name>', 'only what was asked of this one')
    .addOption(textOrJsonOption())
    .action((options: Options) => logs(context, options));
}

async function logs(context: Context, options: Options): Promise<void> {
  const file = join(placesOf(context).dataDirectory, 'tollfree.log');
  const wanted = (line: string): boolean => isWanted(readEntry(line), options);
  const show = (line: string): void => {
    const entry = options.output === 'json' ? undefined : readEntry(line);
    printLines(context, entry === undefined ? [context.out.terminal ? harmless(line) : line] : renderEntry(entry, context.out));
  };
  const signal = context.stopped();
  const found = await lastLines(file, options.lines, wanted);
  if (found === undefined && options.follow !== true) {
    throw new CommandError(`there is no log at ${shortly(file, context)}`, { hint: 'the daemon writes it where TOLLFREE_DATA_DIR says, unless log.file is off' });
  }
  for (const line of found?.lines ?? []) show(line);
  if (options.follow !== true) return;
  for await (const line of newLines(file, found?.end ?? 0, signal)) if (wanted(line)) show(line);
}

/** Lines that are not ours are shown while nothing is asked for in particular. */
function isWanted(entry: Entry | undefined, { level, failed, request, provider }: Wanted): boolean {
  if (entry === undefined) return failed === undefined && request === undefined && provider === undefined;
  if (LEVELS.indexOf(entry.level) > LEVELS.indexOf(level)) return false;
  if (failed === true && (entry.status ?? 0) < 400) return false;
  if (request !== undefined && entry.request_id?.startsWith(request) !== true) return false;
  return provider === undefined || entry.provider === provider || (entry.attempts ?? []).some((attempt) => attempt.provider === provider);
}
