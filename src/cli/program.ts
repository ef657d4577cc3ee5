/** All commands under one name. */
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command } from 'commander';
import type { Context } from './context.ts';
import { report } from './errors.ts';

type Register = (program: Command, context: Context) => void;

/**
 * In the order of the help text. Each is loaded when it is asked for: the daemon's code alone takes longer to read than
 * most commands take to run.
 */
const commands = {
  serve: async () => (await import('./serve.ts')).registerServe,
  demo: async () => (await import('./demo/demo.ts')).registerDemo,
  setup: async () => (await import('./setup.ts')).registerSetup,
  accounts: async () => (await import('./accounts.ts')).registerAccounts,
  vault: async () => (await import('./vault.ts')).registerVault,
  keys: async () => (await import('./keys.ts')).registerKeys,
  status: async () => (await import('./status.ts')).registerStatus,
  logs: async () => (await import('./logs.ts')).registerLogs,
  stats: async () => (await import('./stats.ts')).registerStats,
  models: async () => (await import('./models.ts')).registerModels,
  explain: async () => (await import('./explain.ts')).registerExplain,
  estimate: async () => (await import('./estimate.ts')).registerEstimate,
  chat: async () => (await import('./chat.ts')).registerChat,
  rules: async () => (await import('./rules.ts')).registerRules,
  sim: async () => (await import('./sim.ts')).registerSim,
  completion: async () => (await import('./completion.ts')).registerCompletion,
} satisfies Record<string, () => Promise<Register>>;

type Name = keyof typeof commands;

const isCommand = (name = ''): name is Name => Object.hasOwn(commands, name);

/** Those a command line needs; none in particular where it needs to see all of them. */
function neededBy([first, , ...words]: readonly string[]): readonly Name[] {
  if (isCommand(first)) return [first];
  // `complete -- chat …` is about one command from its second word on.
  const [about] = words;
  return first === 'complete' && words.length > 1 && isCommand(about) ? [...new Set<Name>(['completion', about])] : [];
}

const packageFile = new URL('../../package.json', import.meta.url);

/** Help that goes into a file is set at a width that reads well anywhere. */
const HELP_WIDTH = 100;

const helpWidth = (width: number): number => (Number.isFinite(width) ? width : HELP_WIDTH);

function versionOf(file: URL): string {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown';
}

/** The program with all its commands, or with these alone. */
export async function createProgram(context: Context, only: readonly Name[] = []): Promise<Command> {
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
  const wanted = only.length === 0 ? Object.values(commands) : only.map((name) => commands[name]);
  for (const load of wanted) (await load())(program, context);
  return program;
}

/** Runs one command line and returns its exit status: 0 done, 1 failed, 2 used wrongly. */
export async function run(commandLine: readonly string[], context: Context): Promise<number> {
  try {
    const program = await createProgram(context, neededBy(commandLine));
    await program.parseAsync(commandLine, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, context);
  }
}
