/** `tollfree rules check`: every mistake of a rules file at its place. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError } from '../config/problems.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { readCatalogue, readRules } from './local.ts';
import { plural } from './numbers.ts';
import { textOrJsonOption } from './options.ts';
import { printJson, printLines } from './output.ts';
import { placesOf, shortly } from './places.ts';

export function registerRules(program: Command, context: Context): void {
  program
    .command('rules')
    .description('routing rules')
    .command('check')
    .description('tell every mistake in a rules file as file:line:col')
    .argument('[file]', 'the rules; by default those the daemon would use')
    .addOption(textOrJsonOption())
    .action(async (file: string | undefined, { output }: { readonly output: 'text' | 'json' }) => {
      const path = file === undefined ? placesOf(context).rules : resolve(context.directory, file);
      const asked = shortly(path, context);
      const catalogue = await readCatalogue(context);
      try {
        const { rules } = await readRules(context, catalogue, path);
        if (output === 'json') printJson(context, { file: asked, rules: rules.map(({ name }) => name), problems: [] });
        else printLines(context, [`${asked}: ${plural(rules.length, 'rule')}, no mistake`]);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        if (output === 'json') printJson(context, { file: asked, problems: error.problems });
        else printLines(context, [error.message]);
        throw new CommandError(`${plural(error.problems.length, 'mistake')} in ${asked}`, { cause: error });
      }
    });
}
