/** What begins with a slash. */
import { storyLine } from '../speech.ts';
import type { Conversation } from './conversation.ts';

const HELP = `  /model NAME   ask another model; /model alone shows which
  /rule NAME    let one rule choose; /rule alone shows who chose last and why
  /retry        ask the last question again
  /cost         tokens of this conversation, what they cost and what they saved
  /clear        forget what was said
  /quit         leave, as Ctrl-D does
  Tab completes, arrows bring back what was asked; nothing of it is kept when you leave.
  A line ending in \\ goes on in the next; """ begins and ends a block of lines.
  Ctrl-C stops an answer.
`;

const NAMES = ['/model', '/rule', '/retry', '/cost', '/clear', '/quit', '/help'];

export interface Desk {
  readonly conversation: Conversation;
  readonly answer: () => Promise<void>;
  /** What the answers so far cost, in words. */
  readonly bill: () => Promise<string>;
  readonly say: (text: string) => void;
}

export async function obey(line: string, { conversation, answer, bill, say }: Desk): Promise<void> {
  const [name = '', argument] = line.split(/\s+/, 2);
  switch (name) {
    case '/model':
      conversation.model = argument ?? conversation.model;
      return say(conversation.model);
    case '/rule':
      if (argument !== undefined) conversation.model = `auto:${argument}`;
      return say(argument === undefined ? (conversation.story === undefined ? 'nobody answered yet' : storyLine(conversation.story)) : conversation.model);
    case '/cost':
      return say(await bill());
    case '/clear':
      conversation.messages = [];
      return say('forgotten');
    case '/retry':
      if (conversation.messages.at(-1)?.role === 'assistant') conversation.messages.pop();
      return conversation.messages.length === 0 ? say('nothing was asked yet') : answer();
    default:
      if (name !== '/help') say(`${name} is no command`);
      say(HELP.trimEnd());
  }
}

/** What Tab may put in place of the line. `models`: everything a client may put into `model`. */
export async function completionsOf(line: string, models: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const [name = '', begun] = line.split(' ', 2);
  if (!name.startsWith('/')) return [];
  if (begun === undefined) return NAMES.filter((each) => each.startsWith(name)).map((each) => (each === '/model' || each === '/rule' ? `${each} ` : each));
  const prefix = name === '/rule' ? 'auto:' : '';
  const known = name === '/rule' || name === '/model' ? await models() : [];
  return known.filter((each) => each.startsWith(prefix + begun)).map((each) => `${name} ${each.slice(prefix.length)}`);
}
