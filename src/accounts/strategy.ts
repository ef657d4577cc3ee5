/** The order to try the options in, where a rule wants another than its own. */
import type { Rule } from '../types.ts';
import type { Option } from './choice.ts';
import type { Merit } from './merit.ts';

export interface StrategyParts {
  readonly merit: (option: Option) => Merit;
  /** How much faster than evenly its day's quota must be spent so that none of it expires; 1 where none does. */
  readonly urgency: (option: Option) => number;
  readonly random: () => number;
}

/** One request in twenty tries somebody else, or nobody would learn that a slow one has become fast. */
const EXPLORE = 0.05;

/** Ties keep the order given: the rule's, and the rotation's within it. */
export function ranked(options: readonly Option[], strategy: Exclude<Rule['strategy'], 'round_robin'>, parts: StrategyParts): readonly Option[] {
  switch (strategy) {
    case 'spend_expiring': return best(options, (option) => parts.urgency(option));
    case 'fastest': return exploring(best(options, (option) => -slowness(parts.merit(option))), parts.random);
    case 'reliable': return exploring(best(options, (option) => parts.merit(option).reliability), parts.random);
  }
}

/** A target that fails every other time takes twice as long. */
const slowness = ({ ms, reliability }: Merit): number => ms / Math.max(0.05, reliability);

function best(options: readonly Option[], score: (option: Option) => number): readonly Option[] {
  return options.map((option) => ({ option, score: score(option) })).sort((one, other) => other.score - one.score).map(({ option }) => option);
}

function exploring(options: readonly Option[], random: () => number): readonly Option[] {
  const chosen = options[Math.floor(random() * options.length)];
  if (chosen === undefined || random() >= EXPLORE) return options;
  return [chosen, ...options.filter((option) => option !== chosen)];
}
