/** `tollfree serve`: the daemon, until it is told to stop. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { startDaemon } from '../main.ts';
import { collectWhenQuiet, createBusyShare, createCollector } from '../main/quiet.ts';
import type { Context } from './context.ts';
import { portOption } from './options.ts';
import { addressOf } from './places.ts';

interface Options {
  readonly host?: string;
  readonly port?: number;
  readonly verbose?: true;
}

/** Diagnostic reports and child processes carry the environment along; what opens the vault is not for them. */
const SECRETS = ['TOLLFREE_PASSPHRASE', 'TOLLFREE_ADMIN_TOKEN'];

export function registerServe(program: Command, context: Context): void {
  program
    .command('serve')
    .description('the daemon; Ctrl-C or SIGTERM lets running answers finish, a second one does not')
    .option('--host <host>', 'address to listen on (default: TOLLFREE_HOST, the settings, 127.0.0.1)')
    .addOption(portOption('port to listen on; 0: any free one (default: TOLLFREE_PORT, the settings, 8000)'))
    .option('-v, --verbose', 'tell of every request whom it asked, who was passed over, and why')
    .action(async ({ host, port, verbose }: Options) => {
      const { directory, out, words } = context;
      const environment = { ...takeSecrets(context.environment), ...(verbose === true && { TOLLFREE_LOG_LEVEL: 'debug' }) };
      const signal = context.stopped();
      // Under a service manager there is nobody to ask, and asking well takes 15 ms and 2 MB to learn.
      const terminal = context.stdin.isTTY === true ? (await import('./accounts/terminal.ts')).terminalOf(context) : undefined;
      const daemon = await startDaemon({
        environment,
        directory,
        stream: out.stream,
        ...(host !== undefined && { host }),
        ...(port !== undefined && { port }),
        ...(terminal !== undefined && { prompt: async () => (await terminal.hidden('passphrase of the vault; nothing starts it locked')) || undefined }),
      });
      words.write(`listening on http://${addressOf(daemon.host, daemon.port)}/v1\n`);
      const quiet = collectWhenQuiet({ busyShare: createBusyShare(), collect: createCollector() });
      if (!signal.aborted) await once(signal, 'abort');
      quiet.close();
      words.write('stopping; what runs may finish\n');
      await daemon.stop();
    });
}

/** A copy of the environment with them, and none of them left in the process's own. */
function takeSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const taken = { ...environment };
  for (const name of SECRETS) Reflect.deleteProperty(environment, name);
  return taken;
}
