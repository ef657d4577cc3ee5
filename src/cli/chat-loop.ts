/** A conversation in the terminal: what was said is sent along, commands begin with a slash, Ctrl-C stops the answer. */
import { createInterface, type Interface } from 'node:readline';
import { askChat, listModels, type Answer, type Piece } from './chat-client.ts';
import { billOf } from './chat/bill.ts';
import { ask, createConversation, tally, type Conversation, type Door } from './chat/conversation.ts';
import { completionsOf, obey } from './chat/orders.ts';
import { readQuestion } from './chat/reading.ts';
import type { Context } from './context.ts';
import { complain } from './errors.ts';
import { speak, storyLine } from './speech.ts';
import { whileWaiting } from './waiting.ts';

export async function converse(context: Context, door: Door, model: string): Promise<void> {
  const { words } = context;
  const conversation = createConversation(model);
  const reader = createInterface({ input: context.stdin, output: context.out.stream, terminal: true, completer: createCompleter(door) });
  const person = { left: false };
  reader.once('close', () => {
    person.left = true;
  });
  const interruption = createInterruption(reader, () => words.write(words.paint('dim', '\n/quit or Ctrl-D leaves\n')));
  words.write(words.paint('dim', `${door.address} · ${conversation.model} · /help lists the commands\n`));
  const answer = (): Promise<void> => interruption.during((signal) => reply({ context, conversation, door, signal }));
  const desk = { conversation, answer, bill: () => billOf(context, conversation.spent), say: (text: string) => words.write(`${words.paint('dim', text)}\n`) };
  const reading = { reader, hasLeft: () => person.left, typed: reader[Symbol.asyncIterator](), paint: context.out.paint };
  try {
    for (;;) {
      const line = await readQuestion(reading);
      if (line === undefined || line === '/quit' || line === '/exit') return;
      if (line === '') continue;
      if (/^\/[a-z]+(?:\s|$)/.test(line)) await obey(line, desk);
      else {
        ask(conversation, line);
        await answer();
      }
    }
  } finally {
    reader.close();
  }
}

type Completer = (line: string, tell: (error: null, found: [string[], string]) => void) => void;

/** The models are asked for when Tab is first pressed; where they cannot be had, nothing is offered. */
function createCompleter(door: Door): Completer {
  let models: Promise<readonly string[]> | undefined;
  const known = (): Promise<readonly string[]> => (models ??= listModels(door).catch(() => []));
  return (line, tell) => void completionsOf(line, known).then((found) => tell(null, [[...found], line]));
}

interface Interruption {
  /** Runs something Ctrl-C may stop. */
  readonly during: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>;
}

function createInterruption(reader: Interface, onIdle: () => void): Interruption {
  let running: AbortController | undefined;
  reader.on('SIGINT', () => {
    if (running === undefined) {
      // An empty line to start over with, as shells do.
      reader.write(null, { ctrl: true, name: 'e' });
      reader.write(null, { ctrl: true, name: 'u' });
      onIdle();
      reader.prompt();
    } else running.abort();
  });
  return {
    during: async (work) => {
      const controller = new AbortController();
      running = controller;
      try {
        await work(controller.signal);
      } finally {
        running = undefined;
      }
    },
  };
}

interface Reply {
  readonly context: Context;
  readonly conversation: Conversation;
  readonly door: Door;
  readonly signal: AbortSignal;
}

async function reply({ context: { out, words }, conversation, door, signal }: Reply): Promise<void> {
  const heard = { text: '' };
  try {
    const answer = await whileWaiting(words, 'waiting', () => askChat({ ...door, model: conversation.model, messages: conversation.messages, signal }));
    conversation.story = answer.story;
    const { tokens } = await speak(out, overheard(answer, heard));
    tally(conversation, answer.story, tokens);
    words.write(`${words.paint('dim', storyLine(answer.story))}\n`);
  } catch (error) {
    if (signal.aborted) words.write(words.paint('dim', '\nstopped; /retry asks again\n'));
    else complain(words, error);
  }
  // What was heard before it was stopped was said too.
  if (heard.text !== '') conversation.messages.push({ role: 'assistant', content: heard.text });
}

function overheard({ story, pieces }: Answer, heard: { text: string }): Answer {
  async function* listen(): AsyncGenerator<Piece> {
    for await (const piece of pieces) {
      if ('text' in piece) heard.text += piece.text;
      yield piece;
    }
  }
  return { story, pieces: listen() };
}
