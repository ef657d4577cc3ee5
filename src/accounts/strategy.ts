/** The order to try the targets in, where a rule wants another than its own. */
import type { Rule, Target } from '../types.ts';
import type { Merit } from './merit.ts';

/** One request in twenty tries somebody else, or nobody would learn that a slow one has become fast. */
const EXPLORE = 0.05;

/** Ties keep the rule's order. */
export function ranked(targets: readonly Target[], strategy: Extract<Rule['strategy'], 'fastest' | 'reliable'>, merit: (target: Target) => Merit, random: () => number): readonly Target[] {
  switch (strategy) {
    case 'fastest': return exploring(best(targets, (target) => -slowness(merit(target))), random);
    case 'reliable': return exploring(best(targets, (target) => merit(target).reliability), random);
  }
}

/** A target that fails every other time takes twice as long. */
const slowness = ({ ms, reliability }: Merit): number => ms / Math.max(0.05, reliability);

function best(targets: readonly Target[], score: (target: Target) => number): readonly Target[] {
  return targets.map((target) => ({ target, score: score(target) })).sort((one, other) => other.score - one.score).map(({ target }) => target);
}

function exploring(targets: readonly Target[], random: () => number): readonly Target[] {
  const chosen = targets[Math.floor(random() * targets.length)];
  if (chosen === undefined || random() >= EXPLORE) return targets;
  return [chosen, ...targets.filter((target) => target !== chosen)];
}
