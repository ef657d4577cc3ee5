/** `tollfree chat`: one question, or a conversation. */
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { given } from '../variables.ts';
import { askChat, type Answer, type Message, type Tokens } from './chat-client.ts';
import { converse } from './chat-loop.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { modelOption, textOrJsonOption } from './options.ts';
import { printJson } from './output.ts';
import { daemonAddress } from './places.ts';
import { speak, storyLine } from './speech.ts';
import { whileWaiting } from './waiting.ts';

interface Options {
  readonly message?: string;
  readonly model: string;
  readonly output: 'text' | 'json';
}

export function registerChat(program: Command, context: Context): void {
  program
    .command('chat')
    .description('talk to whoever is free; without --message a conversation, or the question from a pipe')
    .option('-m, --message <text>', 'ask this one question')
    .addOption(modelOption())
    .addOption(textOrJsonOption())
    .action(async ({ message, model, output }: Options) => {
      const door = { address: daemonAddress(context), key: given(context.environment, 'TOLLFREE_API_KEY') };
      if (message === undefined && output === 'text' && context.stdin.isTTY === true && context.out.terminal) {
        await converse(context, door, model);
        return;
      }
      const content = message ?? (await readAll(context.stdin)).trim();
      if (content === '') throw new CommandError('nothing to ask', { hint: 'give --message "…", or pipe the question in', status: 2 });
      const messages: Message[] = [{ role: 'user', content }];
      const answer = await whileWaiting(context.words, 'waiting', () => askChat({ ...door, model, messages }));
      if (output === 'json') {
        printJson(context, await whole(answer));
        return;
      }
      await speak(context.out, answer);
      if (context.words.terminal) context.words.write(`${context.words.paint('dim', storyLine(answer.story))}\n`);
    });
}

/** The answer and who gave it, when it is over. */
async function whole({ story: { queueMs, ...story }, pieces }: Answer): Promise<unknown> {
  let text = '';
  let reasoning = '';
  let tokens: Tokens | undefined;
  for await (const piece of pieces) {
    if ('text' in piece) text += piece.text;
    else if ('thought' in piece) reasoning += piece.thought;
    else tokens = piece.tokens;
  }
  return { text, ...(reasoning !== '' && { reasoning }), ...story, queue_ms: queueMs, tokens };
}
