/** Asks the daemon as any OpenAI client would, and reads the answer while it comes. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { z } from 'zod';
import { NoDaemonError, refusalShape } from './admin-client.ts';
import { CommandError } from './errors.ts';
import { duration } from './numbers.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Who answered and how it came to that: the `x-tollfree-*` headers. */
export interface Story {
  readonly provider: string;
  readonly model: string;
  readonly account: string;
  readonly rule: string;
  readonly attempts: number;
  readonly queueMs: number;
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** One piece of an answer as it arrives. */
export type Piece = { readonly text: string } | { readonly thought: string } | { readonly tokens: Tokens };

export interface Answer {
  readonly story: Story;
  /** Throws a {@link CommandError} where the answer breaks off. */
  readonly pieces: AsyncIterable<Piece>;
}

export interface ChatQuestion {
  /** `host:port` of the daemon. */
  readonly address: string;
  /** A virtual key; an open daemon needs none. */
  readonly key: string | undefined;
  readonly model: string;
  readonly messages: readonly Message[];
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
}

/** Resolves when the answer has begun. Throws {@link NoDaemonError}, or a {@link CommandError} with the daemon's words. */
export async function askChat({ address, key, model, messages, maxTokens, signal }: ChatQuestion): Promise<Answer> {
  const response = await fetch(`http://${address}/v1/chat/completions`, {
    method: 'POST',
    redirect: 'error',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true }, ...(maxTokens !== undefined && { max_tokens: maxTokens }) }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    throw signal?.aborted === true ? error : new NoDaemonError(address, error);
  });
  if (!response.ok || response.body === null) throw await refusal(response);
  return { story: storyOf(response.headers), pieces: piecesOf(response.body) };
}

const modelsShape = z.object({ data: z.array(z.object({ id: z.string() })) });

/** Everything that may be asked for as `model`. */
export async function listModels({ address, key }: Pick<ChatQuestion, 'address' | 'key'>): Promise<readonly string[]> {
  const response = await fetch(`http://${address}/v1/models`, { redirect: 'error', headers: key === undefined ? {} : { authorization: `Bearer ${key}` } });
  return modelsShape.parse(await response.json()).data.map(({ id }) => id);
}

async function refusal(response: Response): Promise<CommandError> {
  const said = refusalShape.safeParse(await response.json().catch(() => undefined));
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
  const hint = Number.isFinite(wait) ? `ask again in ${duration(wait * 1000)}; \`tollfree status\` shows what is left` : hints[response.status];
  return new CommandError(said.success ? said.data.error.message : `the daemon answered ${response.status}`, hint === undefined ? {} : { hint });
}

const hints: Readonly<Record<number, string>> = {
  401: 'this daemon wants a virtual key: put one in TOLLFREE_API_KEY',
  404: '`tollfree models` lists what can be asked',
  503: '`tollfree status` shows who rests and until when',
};

function storyOf(headers: Headers): Story {
  const text = (name: string): string => headers.get(`x-tollfree-${name}`) ?? '';
  return { provider: text('provider'), model: text('model'), account: text('account'), rule: text('route'), attempts: Number(text('attempts')), queueMs: Number(text('queue-ms')) };
}

const chunkShape = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().nullish(), reasoning: z.string().nullish() }).nullish() })).nullish(),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Piece> {
  let ended = false;
  for await (const { data } of eventsOf(body)) {
    if (data === '[DONE]') {
      ended = true;
      continue;
    }
    const content: unknown = JSON.parse(data);
    const failed = refusalShape.safeParse(content);
    if (failed.success) throw new CommandError(failed.data.error.message, { hint: 'the answer broke off; ask again' });
    const chunk = chunkShape.safeParse(content);
    if (chunk.success) yield* piecesOfChunk(chunk.data);
  }
  if (!ended) throw new CommandError('the answer broke off', { hint: 'ask again' });
}

function* piecesOfChunk({ choices, usage }: z.infer<typeof chunkShape>): Generator<Piece> {
  for (const { delta } of choices ?? []) {
    if ((delta?.reasoning ?? '') !== '') yield { thought: delta?.reasoning ?? '' };
    if ((delta?.content ?? '') !== '') yield { text: delta?.content ?? '' };
  }
  if (usage !== undefined && usage !== null) yield { tokens: { input: usage.prompt_tokens, output: usage.completion_tokens } };
}

/** Server-sent events, in order. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<EventSourceMessage> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => ready.push(event) });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* ready.splice(0);
  }
  yield* ready;
}
