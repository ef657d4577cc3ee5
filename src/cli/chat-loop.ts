/** A conversation in the terminal: what was said is sent along, commands begin with a slash, Ctrl-C stops the answer. */
import { createInterface, type Interface } from 'node:readline';
import { askChat, type Message, type Story, type Tokens } from './chat-client.ts';
import type { Context } from './context.ts';
import { complain } from './errors.ts';
import { count, plural } from './numbers.ts';
import { speak, storyLine } from './speech.ts';

export interface Door {
  readonly address: string;
  readonly key: string | undefined;
  readonly model: string;
}

/** What the conversation knows by now. */
interface Conversation {
  model: string;
  messages: Message[];
  story: Story | undefined;
  readonly spent: { answers: number; input: number; output: number };
}

const HELP = `  /model NAME   ask another model; /model alone shows which
  /rule NAME    let one rule choose; /rule alone shows who chose last and why
  /retry        ask the last question again
  /cost         tokens of this conversation
  /new          forget what was said
  /quit         leave, as Ctrl-D does
  A line ending in \\ goes on in the next. Ctrl-C stops an answer.
`;

export async function converse(context: Context, door: Door): Promise<void> {
  const { words } = context;
  const conversation: Conversation = { model: door.model, messages: [], story: undefined, spent: { answers: 0, input: 0, output: 0 } };
  const reader = createInterface({ input: context.stdin, output: context.out.stream, terminal: true });
  const interruption = createInterruption(reader, () => words.write(words.paint('dim', '\n/quit or Ctrl-D leaves\n')));
  words.write(words.paint('dim', `${door.address} · ${conversation.model} · /help lists the commands\n`));
  const answer = (): Promise<void> => reply(context, conversation, door, interruption);
  // Keeps what is typed ahead, while an answer streams or a paste brings many lines at once.
  const typed = reader[Symbol.asyncIterator]();
  try {
    for (;;) {
      const line = await readQuestion(reader, typed, context);
      if (line === undefined || line === '/quit' || line === '/exit') return;
      if (line === '') continue;
      if (line.startsWith('/')) await obey(line, { context, conversation, answer });
      else {
        conversation.messages.push({ role: 'user', content: line });
        await answer();
      }
    }
  } finally {
    reader.close();
  }
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

/** One question, over as many lines as end in a backslash. Undefined when the person left. */
async function readQuestion(reader: Interface, typed: AsyncIterator<string, undefined>, { out }: Context): Promise<string | undefined> {
  const lines: string[] = [];
  for (;;) {
    reader.setPrompt(lines.length === 0 ? out.paint('cyan', '› ') : out.paint('dim', '… '));
    reader.prompt();
    const next = await typed.next();
    if (next.done === true) return undefined;
    const line = next.value;
    if (!line.endsWith('\\')) return [...lines, line].join('\n').trim();
    lines.push(line.slice(0, -1));
  }
}

interface Order {
  readonly context: Context;
  readonly conversation: Conversation;
  readonly answer: () => Promise<void>;
}

async function obey(line: string, { context: { words }, conversation, answer }: Order): Promise<void> {
  const [name = '', argument] = line.split(/\s+/, 2);
  const say = (text: string): void => words.write(`${words.paint('dim', text)}\n`);
  const { spent, story } = conversation;
  switch (name) {
    case '/model':
      conversation.model = argument ?? conversation.model;
      return say(conversation.model);
    case '/rule':
      if (argument !== undefined) conversation.model = `auto:${argument}`;
      return say(argument === undefined ? (story === undefined ? 'nobody answered yet' : storyLine(story)) : conversation.model);
    case '/cost':
      return say(`${plural(spent.answers, 'answer')}, ${count(spent.input)} tokens asked, ${count(spent.output)} answered, $0 paid`);
    case '/new':
      conversation.messages = [];
      return say('forgotten');
    case '/retry':
      if (conversation.messages.at(-1)?.role === 'assistant') conversation.messages.pop();
      return conversation.messages.length === 0 ? say('nothing was asked yet') : await answer();
    default:
      if (name !== '/help') say(`${name} is no command`);
      words.write(words.paint('dim', HELP));
  }
}

async function reply(context: Context, conversation: Conversation, { address, key }: Door, { during }: Interruption): Promise<void> {
  const { out, words } = context;
  await during(async (signal) => {
    try {
      const answer = await askChat({ address, key, model: conversation.model, messages: conversation.messages, signal });
      conversation.story = answer.story;
      const { text, tokens } = await speak(out, answer);
      conversation.messages.push({ role: 'assistant', content: text });
      tally(conversation, tokens);
      words.write(`${words.paint('dim', storyLine(answer.story))}\n`);
    } catch (error) {
      if (signal.aborted) words.write(words.paint('dim', '\nstopped; /retry asks again\n'));
      else complain(words, error);
    }
  });
}

function tally({ spent }: Conversation, tokens: Tokens | undefined): void {
  spent.answers += 1;
  spent.input += tokens?.input ?? 0;
  spent.output += tokens?.output ?? 0;
}
