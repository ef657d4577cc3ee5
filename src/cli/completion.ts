/** `tollfree completion`: lets the shell complete commands, options, and the names of providers, accounts and models. */
import { Argument, type Command } from 'commander';
import { candidatesFor } from './completion/candidates.ts';
import { knownNames } from './completion/names.ts';
import { scripts } from './completion/scripts.ts';
import type { Context } from './context.ts';
import { printLines } from './output.ts';
import { oneLine } from './text.ts';

export function registerCompletion(program: Command, context: Context): void {
  program
    .command('completion')
    .description('a script that lets the shell complete: eval "$(tollfree completion bash)"')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(scripts)))
    .action((shell: string) => context.out.write(scripts[shell] ?? ''));
  program
    .command('complete', { hidden: true })
    .description('what may stand at the end of these words; asked by the script of `tollfree completion`')
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      // A shell in the middle of a line has no use for what went wrong.
      const names = (of: string): Promise<readonly string[]> => knownNames(context, of).catch(() => []);
      const found = await candidatesFor(program, words, names);
      printLines(context, found.map(({ word, about }) => `${oneLine(word)}\t${oneLine(about)}`));
    });
}
