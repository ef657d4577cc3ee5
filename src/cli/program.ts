/** All commands under one name. */
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { registerAccounts } from './accounts.ts';
import { registerChat } from './chat.ts';
import type { Context } from './context.ts';
import { registerDemo } from './demo/demo.ts';
import { report } from './errors.ts';
import { registerEstimate } from './estimate.ts';
import { registerExplain } from './explain.ts';
import { registerModels } from './models.ts';
import { registerRules } from './rules.ts';
import { registerServe } from './serve.ts';
import { registerSetup } from './setup.ts';
import { registerSim } from './sim.ts';
import { registerStatus } from './status.ts';
import { registerVault } from './vault.ts';

const packageFile = new URL('../../package.json', import.meta.url);

/** Each adds its command to the program. In the order of the help text. */
const registrations: readonly ((program: Command, context: Context) => void)[] = [
  registerServe, registerDemo, registerSetup, registerAccounts, registerVault, registerStatus, registerModels, registerExplain, registerEstimate, registerChat, registerRules,
  registerSim,
];

/** Help that goes into a file is set at a width that reads well anywhere. */
const HELP_WIDTH = 100;

const helpWidth = (width: number): number => (Number.isFinite(width) ? width : HELP_WIDTH);

function versionOf(file: URL): string {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown';
}

export function createProgram(context: Context): Command {
  const { out, words } = context;
  const program = new Command('tollfree')
    .description('every free LLM tier you hold, behind one OpenAI-compatible endpoint')
    .version(versionOf(packageFile), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('  hint: add --help to see how it is used')
    .exitOverride()
    .configureHelp({ styleTitle: (title) => styleText('bold', title, { validateStream: false }) })
    .configureOutput({
      writeOut: out.write,
      writeErr: words.write,
      getOutHelpWidth: () => helpWidth(out.width()),
      getErrHelpWidth: () => helpWidth(words.width()),
      getOutHasColors: () => out.colour,
      getErrHasColors: () => words.colour,
    });
  for (const register of registrations) register(program, context);
  return program;
}

/** Runs one command line and returns its exit status: 0 done, 1 failed, 2 used wrongly. */
export async function run(commandLine: readonly string[], context: Context): Promise<number> {
  try {
    await createProgram(context).parseAsync(commandLine, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, context);
  }
}
