/** How the tour looks: titles, facts, answers as they stream, and the breath between them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { AdminClient } from '../admin-client.ts';
import { askChat, type Story, type Tokens } from '../chat-client.ts';
import type { Sink } from '../context.ts';
import { createMarkdown } from '../markdown.ts';
import { parseMetrics, type Sample } from '../metrics.ts';
import { clip, harmless, widthOf, wrap } from '../text.ts';
import { createFlow } from '../flow.ts';

export interface Theatre {
  readonly sink: Sink;
  /** Columns a block has. */
  readonly width: number;
  readonly admin: AdminClient;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly title: (number: number, text: string) => void;
  /** A paragraph that says what is to be seen. */
  readonly say: (text: string) => void;
  readonly line: (text?: string) => void;
  /** What a person would type to see what follows. */
  readonly command: (text: string) => void;
  readonly block: (lines: readonly string[]) => void;
  /** `name` in the margin, its value beside it. */
  readonly fact: (name: string, text: string) => void;
  /** Time to read, for a person; nothing where nobody looks. */
  readonly breathe: (milliseconds: number) => Promise<void>;
  /** Asks, tells who answers as soon as it is certain, and shows the answer while it streams. */
  readonly perform: (prompt: string, onStory: (story: Story) => void) => Promise<Performance>;
  /** Asks, and shows nothing. */
  readonly ask: (prompt: string, asking: Asking) => Promise<Performance>;
  readonly metrics: () => Promise<readonly Sample[]>;
}

export interface Asking {
  readonly model?: string;
  readonly maxTokens?: number;
}

interface Listening extends Asking {
  readonly onStory?: (story: Story) => void;
  readonly show?: (text: string) => void;
}

export interface Performance {
  readonly story: Story;
  readonly tokens?: Tokens;
  /** Milliseconds to the first word, and to the last. */
  readonly firstMs: number;
  readonly totalMs: number;
}

/** Longer lines are hard to read, however wide the window. */
const MOST_COLUMNS = 96;
const MARGIN = 12;
const INDENT = ' '.repeat(MARGIN);
const BLOCK = ' '.repeat(5);

export interface TheatreOptions {
  readonly sink: Sink;
  readonly admin: AdminClient;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

export function createTheatre({ sink, admin, signal, now }: TheatreOptions): Theatre {
  const { paint, write } = sink;
  const width = Math.min(sink.width(), MOST_COLUMNS);
  const line = (text = ''): void => write(`${text}\n`);

  const listen = async (prompt: string, { model = 'auto', maxTokens, onStory, show }: Listening): Promise<Performance> => {
    const startedAt = now();
    const { story, pieces } = await askChat({ address: admin.address, key: undefined, model, messages: [{ role: 'user', content: prompt }], ...(maxTokens !== undefined && { maxTokens }), signal });
    const firstMs = now() - startedAt;
    onStory?.(story);
    let tokens: Tokens | undefined;
    for await (const piece of pieces) {
      if ('text' in piece) show?.(piece.text);
      if ('tokens' in piece) tokens = piece.tokens;
    }
    return { story, ...(tokens !== undefined && { tokens }), firstMs, totalMs: now() - startedAt };
  };

  return {
    sink,
    width: width - BLOCK.length,
    admin,
    signal,
    now,
    line,
    title: (number, text) => {
      const words = `${number}  ${text} `;
      line();
      line(`  ${paint(['bold', 'cyan'], words)}${paint('dim', '─'.repeat(Math.max(3, width - 2 - widthOf(words))))}`);
    },
    say: (text) => {
      for (const each of wrap(text, width - BLOCK.length)) line(BLOCK + each);
      line();
    },
    command: (text) => {
      line(`${BLOCK}${paint('dim', '$')} ${paint('bold', text)}`);
      line();
    },
    block: (lines) => {
      for (const each of lines) line(`${BLOCK}${each}`.trimEnd());
    },
    fact: (name, text) => {
      const lines = wrap(text, Math.max(10, width - MARGIN));
      for (const [index, each] of lines.entries()) line(`${paint('dim', clip(index === 0 ? name : '', MARGIN - 2).padStart(MARGIN - 2))}  ${each}`);
    },
    breathe: async (milliseconds) => {
      if (sink.terminal) await pause(milliseconds, undefined, { signal });
    },
    perform: async (prompt, onStory) => {
      const markdown = createMarkdown(paint);
      const flow = createFlow({ indent: INDENT, width });
      const performance = await listen(prompt, {
        onStory: (story) => {
          onStory(story);
          line();
        },
        show: (text) => write(flow.push(sink.colour ? markdown.push(harmless(text)) : harmless(text))),
      });
      line(flow.push(markdown.end()) + flow.end());
      line();
      return performance;
    },
    ask: listen,
    metrics: async () => parseMetrics(await (await admin.fetch('/metrics')).text()),
  };
}
