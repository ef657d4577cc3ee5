/** An answer, shown while it comes. */
import type { Answer, Story, Tokens } from './chat-client.ts';
import type { Sink } from './context.ts';
import { createFlow } from './flow.ts';
import { createMarkdown } from './markdown.ts';
import { duration } from './numbers.ts';
import { harmless } from './text.ts';

export interface Spoken {
  readonly tokens?: Tokens;
}

/** Longer lines are hard to read, however wide the window. */
const MOST_COLUMNS = 100;

/**
 * Writes the answer piece by piece: Markdown with colour on a terminal, the very words elsewhere.
 * What the model thinks aloud is shown dimmed, and only to a person.
 */
export async function speak({ terminal, colour, paint, width, write }: Sink, { pieces }: Answer): Promise<Spoken> {
  const column = { indent: '', width: Math.min(width(), MOST_COLUMNS) };
  const thoughts = createFlow(column);
  const markdown = colour ? createMarkdown(paint, createFlow(column)) : undefined;
  const think = (text: string): void => write(text === '' ? '' : paint('dim', text));
  const show = (text: string): string => (terminal ? (markdown?.push(harmless(text)) ?? harmless(text)) : text);
  let tokens: Tokens | undefined;
  let thinking = false;
  for await (const piece of pieces) {
    if ('tokens' in piece) tokens = piece.tokens;
    else if ('thought' in piece) {
      if (terminal) think(thoughts.push(harmless(piece.thought)));
      thinking = terminal;
    } else {
      if (thinking) think(`${thoughts.end()}\n\n`);
      thinking = false;
      write(show(piece.text));
    }
  }
  think(thoughts.end());
  write(`${markdown?.end() ?? ''}\n`);
  return tokens === undefined ? {} : { tokens };
}

/** Who answered, in one line. */
export function storyLine({ provider, model, account, rule, attempts, queueMs }: Story): string {
  const parts = [`${provider} · ${model}`, `account ${account}`, ...(rule === '' ? [] : [`rule ${rule}`]), ...(attempts > 1 ? [`${attempts} attempts`] : []), ...(queueMs > 0 ? [`${duration(queueMs)} in line`] : [])];
  return parts.join(' · ');
}
