import { connect } from 'node:net';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { SimulatorOptions, Simulators } from '../../src/sim/simulators.ts';
import type { ProviderName } from '../../src/sim/types.ts';

/** A minute and a UTC day begin here. */
export const MIDNIGHT = Date.UTC(2026, 10, 20);

/** Simulators whose clock stands still unless moved, and whose streams run at full speed. */
export async function withSimulators<T>(options: SimulatorOptions, use: (simulators: Simulators) => Promise<T>): Promise<T> {
  const simulators = await startSimulators({ now: () => MIDNIGHT, pace: { tokenMs: 0 }, ...options });
  try {
    return await use(simulators);
  } finally {
    await simulators.close();
  }
}

export const MODELS: Readonly<Record<ProviderName, string>> = { openrouter: 'z-ai/glm-5.2:free', groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b' };

export interface Ask {
  readonly provider?: ProviderName;
  readonly account?: string;
  readonly key?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly agent?: string;
}

export const keyOf = (provider: ProviderName, account: string): string => `sim-${provider}-${account}`;

export const chatBody = (provider: ProviderName, body: Ask['body'] = {}): Record<string, unknown> => ({
  model: MODELS[provider],
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  ...body,
});

export function ask(simulators: Simulators, { provider = 'groq', account = 'alice', key = keyOf(provider, account), body, agent = 'test/1' }: Ask = {}): Promise<Response> {
  return fetch(`${simulators.baseUrls[provider]}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'user-agent': agent },
    body: JSON.stringify(chatBody(provider, body)),
    redirect: 'manual',
  });
}

export async function askJson(simulators: Simulators, asked: Ask = {}): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
  const response = await ask(simulators, asked);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export interface RawAnswer {
  /** Every byte received, HTTP and all. */
  readonly text: string;
  readonly bytes: number;
  /** `quiet`: nothing came for `quietMs`, though `first` had come, and the connection is still open. */
  readonly ended: 'end' | 'reset' | 'refused' | 'quiet' | 'enough';
  readonly segments: number;
}

/** One request on a socket of its own, and whatever comes back, uninterpreted. */
export function rawAsk(simulators: Simulators, { provider = 'groq', body, first = '', quietMs = 10_000, enough = Infinity }: Ask & { readonly first?: string; readonly quietMs?: number; readonly enough?: number }): Promise<RawAnswer> {
  const base = new URL(simulators.baseUrls[provider]);
  const json = JSON.stringify(chatBody(provider, body));
  const lines = [
    `POST ${base.pathname}/chat/completions HTTP/1.1`, `host: ${base.host}`, `authorization: Bearer ${keyOf(provider, 'alice')}`, 'user-agent: test/1',
    'content-type: application/json', `content-length: ${Buffer.byteLength(json)}`, 'connection: close', '', json,
  ];
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connect(Number(base.port), base.hostname, () => void socket.write(lines.join('\r\n')));
    const done = (ended: RawAnswer['ended']): void => {
      socket.destroy();
      resolve({ text: text(), bytes, ended, segments: chunks.length });
    };
    const text = (): string => Buffer.concat(chunks).toString('utf8');
    if (first === '') socket.setTimeout(quietMs);
    socket.on('timeout', () => done('quiet'));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < 4 * 1024 * 1024) chunks.push(chunk);
      if (first !== '' && socket.timeout === undefined && text().includes(first)) socket.setTimeout(quietMs);
      if (bytes >= enough) done('enough');
    });
    socket.on('end', () => done('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'));
  });
}

/** The `data:` payloads of a stream, parsed where they are JSON. */
export function eventsOf(text: string): unknown[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']): unknown => (data === '[DONE]' ? data : JSON.parse(data)));
}
