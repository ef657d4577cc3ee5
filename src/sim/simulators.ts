/**
 * Simulated OpenRouter, Groq and Cerebras on real sockets: one port with a path for each, or a port each.
 */
import type { RequestListener } from 'node:http';
import { createBenches } from './benches.ts';
import { cerebras } from './cerebras.ts';
import { createControl } from './control.ts';
import { createDesk } from './desk.ts';
import { createFaults } from './fault-rules.ts';
import type { FaultRuleInput } from './fault-table.ts';
import { groq } from './groq.ts';
import { readLimits } from './limits.ts';
import type { LimitsInput } from './limits.ts';
import { listen } from './listeners.ts';
import type { Certificate, Listener } from './listeners.ts';
import { openrouter } from './openrouter.ts';
import type { Pace } from './plan.ts';
import { createRecords } from './records.ts';
import type { Records } from './records.ts';
import { PROVIDER_NAMES } from './types.ts';
import type { ProviderName } from './types.ts';

export interface SimulatorOptions {
  readonly host?: string;
  /** 0, the default: any free one. With a port each, the first of three. */
  readonly port?: number;
  /** `each` provider on a port of its own, so that one can be down alone. Default: all on one. */
  readonly ports?: 'one' | 'each';
  /** What the windows count by, epoch milliseconds. Default: the system's clock. Streams are always paced by real time. */
  readonly now?: () => number;
  /** Replaces the free tiers of autumn 2026, in the words of a limits file. */
  readonly limits?: LimitsInput;
  readonly faults?: readonly FaultRuleInput[];
  readonly pace?: Partial<Pace>;
  /** Ids and chances follow from it. */
  readonly seed?: number;
  /** Speaks TLS with this certificate. */
  readonly tls?: Certificate;
}

export interface Simulators {
  /** Scheme, host and port. */
  readonly origins: Readonly<Record<ProviderName, string>>;
  /** As a provider's `base_url`. */
  readonly baseUrls: Readonly<Record<ProviderName, string>>;
  /** The names of every refusal recorded for a provider, as the fault `refusal` takes them. */
  readonly refusals: Readonly<Record<ProviderName, readonly string[]>>;
  readonly calls: Records['calls'];
  /** For a call that is on its way or about to end. */
  readonly callsUntil: Records['until'];
  readonly clearCalls: Records['clear'];
  /** Adds rules; resolves, once ports are open or shut accordingly, with what takes these out again. */
  readonly misbehave: (...rules: readonly FaultRuleInput[]) => Promise<() => Promise<void>>;
  /** No faults any more. */
  readonly behave: () => Promise<void>;
  /** The simulated clock. */
  readonly now: () => number;
  /** Moves it on by so many milliseconds. */
  readonly advance: (ms: number) => void;
  /** New limits, and empty windows. */
  readonly setLimits: (limits: LimitsInput) => void;
  readonly close: () => Promise<void>;
}

/** A millisecond between two tokens: visible in a stream, and a whole answer still takes only a tenth of a second. */
const DEFAULT_PACE: Pace = { firstMs: 0, tokenMs: 1 };

const WIRES = { openrouter, groq, cerebras } as const;

export async function startSimulators(options: SimulatorOptions = {}): Promise<Simulators> {
  const { host = '127.0.0.1', port = 0, ports = 'one', now = Date.now, seed = 1, tls } = options;
  let offset = 0;
  const clock = (): number => now() + offset;
  const advance = (ms: number): void => {
    offset += ms;
  };
  const records = createRecords();
  const benches = createBenches({ wires: WIRES, now: clock, limits: readLimits(options.limits ?? {}), pace: { ...DEFAULT_PACE, ...options.pace }, seed });
  const setLimits = (limits: unknown): void => benches.setLimits(readLimits(limits));
  const faults = createFaults({ wires: WIRES, seed, ownPorts: ports === 'each' });
  faults.add(...(options.faults ?? []));
  const settle = async (): Promise<void> => {
    const refused = faults.refused();
    await Promise.all(PROVIDER_NAMES.map((name) => listeners[name].open(!refused.has(name))));
  };
  const control = createControl({ records, faults, settle, now: clock, advance, setLimits });
  const serve = createDesk({ wires: WIRES, now: clock, benches, records, faults, control });
  const handle: RequestListener = (request, response) => void serve(request, response).catch(() => response.destroy());

  const listenOn = (index: number): Promise<Listener> => listen({ host, port: port === 0 ? 0 : port + index, ...(tls !== undefined && { tls }) }, handle);
  const first = await listenOn(0);
  const listeners: Readonly<Record<ProviderName, Listener>> = {
    openrouter: first,
    groq: ports === 'each' ? await listenOn(1) : first,
    cerebras: ports === 'each' ? await listenOn(2) : first,
  };
  await settle();

  return {
    origins: forEach((name) => listeners[name].origin),
    baseUrls: forEach((name) => listeners[name].origin + WIRES[name].basePath),
    refusals: forEach((name) => Object.keys(WIRES[name].refusals)),
    calls: records.calls,
    callsUntil: records.until,
    clearCalls: records.clear,
    misbehave: async (...rules) => {
      const undo = faults.add(...rules);
      await settle();
      return async () => {
        undo();
        await settle();
      };
    },
    behave: async () => {
      faults.clear();
      await settle();
    },
    now: clock,
    advance,
    setLimits,
    close: async () => {
      await Promise.all(PROVIDER_NAMES.map((name) => listeners[name].open(false)));
    },
  };
}

const forEach = <T>(make: (name: ProviderName) => T): Record<ProviderName, T> => ({ openrouter: make('openrouter'), groq: make('groq'), cerebras: make('cerebras') });
