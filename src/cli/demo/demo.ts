/** `tollfree demo`: the whole product, watched, without a key and without a network. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { createAdminClient } from '../admin-client.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { scenes } from './scenes.ts';
import { setStage, type Stage } from './stage.ts';
import { createTheatre, type Theatre } from './theatre.ts';

export function registerDemo(program: Command, context: Context): void {
  program
    .command('demo')
    .description('watch it work: simulated providers, the daemon and a guided tour; no key, no network, nothing left behind')
    .option('--once', 'end after the tour instead of leaving it running to play with')
    .action(({ once: ends }: { readonly once?: true }) => demo(context, ends === true));
}

async function demo(context: Context, ends: boolean): Promise<void> {
  const { out } = context;
  // A window that is closed must leave nothing behind either.
  const signal = context.stopped('SIGHUP');
  out.write(`\n  ${out.paint(['bold', 'cyan'], 'tollfree')}  every free LLM tier you hold, behind one OpenAI-compatible endpoint\n\n`);
  try {
    await withStage(context, async (stage) => {
      const admin = await createAdminClient({ ...context, environment: { ...stage.environment } });
      await tour(createTheatre({ sink: out, admin, signal, now: context.now }));
      if (ends) return;
      invite(context, stage, admin.address);
      stage.daemon.follow((line) => out.write(`${line}\n`));
      if (!signal.aborted) await Promise.race([once(signal, 'abort'), stage.daemon.ended]);
    });
  } catch (error) {
    // Ctrl-C breaks whatever was going on; that is no failure of it.
    if (!signal.aborted) throw error;
    if (ends) throw new CommandError('stopped before the tour was over', { cause: error });
  }
}

async function withStage(context: Context, play: (stage: Stage) => Promise<void>): Promise<void> {
  const { paint, write } = context.out;
  const stage = await setStage(context, (what, where) => write(`  ${paint('green', '●')} ${what.padEnd(42)} ${paint('dim', where)}\n`));
  try {
    await play(stage);
  } finally {
    await stage.strike();
    write(`\n  ${paint('dim', 'all ended, nothing left behind')}\n`);
  }
}

async function tour(theatre: Theatre): Promise<void> {
  for (const [index, { title, play }] of scenes.entries()) {
    theatre.title(index + 1, title);
    theatre.line();
    await play(theatre);
    await theatre.breathe(800);
  }
}

/** What to type next: whole lines, ready to be copied. */
function invite({ out }: Context, { environment }: Stage, address: string): void {
  const { paint } = out;
  const { TOLLFREE_DATA_DIR, ...where } = environment;
  const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Write a haiku about queues' }] });
  const paragraphs = [
    ['from any shell', `curl http://${address}/v1/chat/completions -H 'content-type: application/json' \\`, `  -d '${body}'`],
    ['with any OpenAI client', `export OPENAI_BASE_URL=http://${address}/v1 OPENAI_API_KEY=any`],
    [
      'with the command, in this directory',
      `export ${Object.entries(where).map(([name, value]) => `${name}=${value}`).join(' ')}`,
      `export TOLLFREE_DATA_DIR=${TOLLFREE_DATA_DIR}`,
      'npx tollfree status --watch',
      'npx tollfree chat',
      'npx tollfree explain "translate this poem"',
    ],
  ];
  out.write(`\n  ${paint(['bold', 'cyan'], 'Yours to play with')}\n`);
  for (const [title = '', ...lines] of paragraphs) out.write(`\n  ${paint('dim', `# ${title}`)}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  out.write(`\n  ${paint('dim', 'Its log follows. Ctrl-C ends everything and removes it.')}\n\n`);
}
