/**
 * Which call meets which fault: the first rule that applies.
 */
import { ruleSchema } from './fault-table.ts';
import type { Fault, FaultRule, FaultRuleInput } from './fault-table.ts';
import { PROVIDER_NAMES } from './types.ts';
import type { ProviderName, Wire } from './types.ts';

/** What a rule can ask about a call. */
export interface Traits {
  readonly provider: ProviderName;
  readonly account?: string;
  readonly organization?: string;
  readonly model?: string;
  readonly path: string;
}

export interface Faults {
  /** Rules are asked in order; the returned function takes these out again. Throws for a rule that cannot be played. */
  readonly add: (...rules: readonly FaultRuleInput[]) => () => void;
  readonly list: () => readonly FaultRule[];
  readonly clear: () => void;
  readonly of: (traits: Traits) => Fault | undefined;
  /** Providers nobody listens for. */
  readonly refused: () => ReadonlySet<ProviderName>;
}

interface Entry {
  readonly rule: FaultRule;
  /** Calls that matched, and those that met the fault. */
  seen: number;
  met: number;
}

export interface FaultOptions {
  readonly wires: Readonly<Record<ProviderName, Wire>>;
  readonly seed: number;
  /** Whether each provider has a port that can be closed. */
  readonly ownPorts: boolean;
}

export function createFaults({ wires, seed, ownPorts }: FaultOptions): Faults {
  const random = chances(seed);
  let entries: readonly Entry[] = [];
  const applies = (entry: Entry, traits: Traits): boolean => {
    const { rule } = entry;
    if (!matches(rule, traits)) return false;
    entry.seen += 1;
    if (rule.nth !== undefined && ![rule.nth].flat().includes(entry.seen)) return false;
    if (rule.times !== undefined && entry.met >= rule.times) return false;
    return rule.probability === undefined || random() < rule.probability;
  };
  return {
    add: (...inputs) => {
      const added = inputs.map((input): Entry => ({ rule: playable(ruleSchema.parse(input), wires, ownPorts), seen: 0, met: 0 }));
      entries = [...entries, ...added];
      return () => {
        entries = entries.filter((entry) => !added.includes(entry));
      };
    },
    list: () => entries.map(({ rule }) => rule),
    clear: () => {
      entries = [];
    },
    of: (traits) => {
      const entry = entries.find((candidate) => applies(candidate, traits));
      if (entry !== undefined) entry.met += 1;
      return entry?.rule.fault;
    },
    refused: () => new Set(entries.flatMap(({ rule }) => (rule.fault.kind === 'refused' ? [rule.provider ?? PROVIDER_NAMES].flat() : []))),
  };
}

function matches(rule: FaultRule, traits: Traits): boolean {
  if (rule.fault.kind === 'refused') return false;
  if (rule.path !== '*' && rule.path !== traits.path) return false;
  return (['provider', 'account', 'organization', 'model'] as const).every((name) => rule[name] === undefined || rule[name] === traits[name]);
}

/** Finds out now what would otherwise surprise a test in the middle of a call. */
function playable(rule: FaultRule, wires: FaultOptions['wires'], ownPorts: boolean): FaultRule {
  const { fault } = rule;
  if (fault.kind === 'refused') {
    if (!ownPorts) throw new Error('a refused connection needs a port for each provider: start with ports "each"');
    const narrowed = (['account', 'organization', 'model', 'nth', 'times', 'probability'] as const).find((name) => rule[name] !== undefined);
    if (narrowed !== undefined) throw new Error(`a refused connection meets a whole provider; leave out ${narrowed}`);
  }
  if (fault.kind === 'refusal') {
    const asked = rule.provider === undefined ? Object.values(wires) : [wires[rule.provider]];
    const without = asked.find(({ refusals }) => !Object.hasOwn(refusals, fault.name));
    if (without !== undefined) throw new Error(`${without.name} has no refusal "${fault.name}"; it has ${Object.keys(without.refusals).join(', ')}`);
  }
  return rule;
}

/** Mulberry32: 32 bits of state, evenly spread, and the same on every machine. */
function chances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
