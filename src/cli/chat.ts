/** `tollfree chat`: one question, or a conversation. */
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { askChat, type Message } from './chat-client.ts';
import { converse } from './chat-loop.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { modelOption } from './options.ts';
import { daemonAddress } from './places.ts';
import { speak, storyLine } from './speech.ts';
import { whileWaiting } from './waiting.ts';

interface Options {
  readonly message?: string;
  readonly model: string;
}

export function registerChat(program: Command, context: Context): void {
  program
    .command('chat')
    .description('talk to whoever is free; without --message a conversation, or the question from a pipe')
    .option('-m, --message <text>', 'ask this one question')
    .addOption(modelOption())
    .action(async ({ message, model }: Options) => {
      const door = { address: daemonAddress(context), key: context.environment['TOLLFREE_API_KEY'] };
      if (message === undefined && context.stdin.isTTY === true && context.out.terminal) {
        await converse(context, door, model);
        return;
      }
      const content = message ?? (await readAll(context.stdin)).trim();
      if (content === '') throw new CommandError('nothing to ask', { hint: 'give --message "…", or pipe the question in', status: 2 });
      const messages: Message[] = [{ role: 'user', content }];
      const answer = await whileWaiting(context.words, 'waiting', () => askChat({ ...door, model, messages }));
      await speak(context.out, answer);
      if (context.words.terminal) context.words.write(`${context.words.paint('dim', storyLine(answer.story))}\n`);
    });
}
