/**
 * Simulated OpenRouter, Groq and Cerebras on real sockets: one port, a path for each.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cerebras } from './cerebras.ts';
import { groq } from './groq.ts';
import { readLimits } from './limits.ts';
import type { LimitsInput } from './limits.ts';
import { openrouter } from './openrouter.ts';
import type { Pace } from './plan.ts';
import { createRecords } from './records.ts';
import type { Records } from './records.ts';
import { createDesk } from './desk.ts';
import type { ProviderName } from './types.ts';

export interface SimulatorOptions {
  readonly host?: string;
  /** 0, the default: any free one. */
  readonly port?: number;
  /** What the windows count by, epoch milliseconds. Default: the system's clock. Streams are always paced by real time. */
  readonly now?: () => number;
  /** Replaces the free tiers of autumn 2026, in the words of a limits file. */
  readonly limits?: LimitsInput;
  readonly pace?: Partial<Pace>;
  /** Ids and chances follow from it. */
  readonly seed?: number;
}

export interface Simulators {
  readonly port: number;
  readonly origin: string;
  /** As a provider's `base_url`. */
  readonly baseUrls: Readonly<Record<ProviderName, string>>;
  readonly calls: Records['calls'];
  readonly clearCalls: Records['clear'];
  /** The simulated clock. */
  readonly now: () => number;
  /** Moves it on by so many milliseconds. */
  readonly advance: (ms: number) => void;
  /** New limits, and empty windows. */
  readonly setLimits: (limits: LimitsInput) => void;
  readonly close: () => Promise<void>;
}

/** A millisecond between two tokens: visible in a stream, and a whole answer still takes a tenth of a second. */
const DEFAULT_PACE: Pace = { firstMs: 0, tokenMs: 1 };

const WIRES = { openrouter, groq, cerebras } as const;

export async function startSimulators(options: SimulatorOptions = {}): Promise<Simulators> {
  const { host = '127.0.0.1', port = 0, now = Date.now, seed = 1 } = options;
  let offset = 0;
  const clock = (): number => now() + offset;
  const records = createRecords();
  const desk = createDesk({ wires: WIRES, now: clock, limits: readLimits(options.limits), records, pace: { ...DEFAULT_PACE, ...options.pace }, seed });
  const server = createServer((request, response) => void desk.serve(request, response).catch(() => response.destroy()));
  server.on('connection', (socket) => socket.setNoDelay(true));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  const origin = `http://${host}:${bound.port}`;
  return {
    port: bound.port,
    origin,
    baseUrls: { openrouter: origin + openrouter.basePath, groq: origin + groq.basePath, cerebras: origin + cerebras.basePath },
    calls: records.calls,
    clearCalls: records.clear,
    now: clock,
    advance: (ms) => {
      offset += ms;
    },
    setLimits: (limits) => desk.setLimits(readLimits(limits)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
