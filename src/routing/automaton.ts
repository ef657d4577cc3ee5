/**
 * One automaton for all keywords (Aho and Corasick, 1975) over the tokens that `spell` gives: every keyword is found
 * in one pass, and a token costs a bounded number of steps on average, whatever the text and however many keywords begin alike.
 */
export interface Automaton {
  /** By token: the state after it where nothing was read before, which is where most words of most texts stand. */
  readonly first: Int32Array;
  /** Open addressing from (state, token) to the next state. */
  readonly transitions: Transitions;
  /** By state: the longest of its proper suffixes that begins a keyword. */
  readonly fail: Int32Array;
  /** By state: the nearest state, itself first, where a keyword ends; 0 for none. */
  readonly ending: Int32Array;
  /** By state where a keyword ends: the next shorter keyword that ends there too; 0 for none. */
  readonly shorter: Int32Array;
  /** By state where a keyword ends: which one. */
  readonly keyword: Int32Array;
}

interface Transitions {
  readonly from: Int32Array;
  readonly token: Int32Array;
  /** 0: the slot is free, for no transition leads back to the root. */
  readonly to: Int32Array;
}

/** Nothing of any keyword has been read. */
export const ROOT = 0;

/** The state after one more token; 0 stands for tokens of no keyword. */
export function step({ transitions, fail, first }: Automaton, from: number, token: number): number {
  if (token === 0) return ROOT;
  for (let state = from; state !== ROOT; state = fail[state] ?? ROOT) {
    const next = transitions.to[slotOf(transitions, state, token)] ?? ROOT;
    if (next !== ROOT) return next;
  }
  return first[token] ?? ROOT;
}

/** Where a transition is, or would be. */
function slotOf({ from, token: tokens, to }: Transitions, state: number, token: number): number {
  const hash = Math.imul(Math.imul(state, 0x9e3779b1) ^ token, 0x85ebca6b);
  let slot = (hash ^ (hash >>> 15)) & (to.length - 1);
  while (to[slot] !== ROOT && (from[slot] !== state || tokens[slot] !== token)) slot = (slot + 1) & (to.length - 1);
  return slot;
}

/** @param spellings each keyword's tokens as numbers above 0, no two alike; an empty one is never found */
export function buildAutomaton(spellings: readonly (readonly number[])[]): Automaton {
  const most = spellings.reduce((sum, { length }) => sum + length, 1);
  // A quarter full at most, so that a miss is told by one or two loads.
  const size = 2 ** Math.ceil(Math.log2(4 * most));
  const transitions: Transitions = { from: new Int32Array(size), token: new Int32Array(size), to: new Int32Array(size) };
  const branches = growTrie(transitions, spellings);
  const first = new Int32Array(spellings.flat().reduce((highest, token) => Math.max(highest, token), 0) + 1);
  for (const { slot, state } of branches) if (transitions.from[slot] === ROOT) first[transitions.token[slot] ?? 0] = state;
  const automaton: Automaton = { first, transitions, fail: new Int32Array(most), ending: new Int32Array(most), shorter: new Int32Array(most), keyword: new Int32Array(most).fill(-1) };
  for (const { slot, state, ends } of branches) {
    const parent = transitions.from[slot] ?? ROOT;
    const suffix = parent === ROOT ? ROOT : step(automaton, automaton.fail[parent] ?? ROOT, transitions.token[slot] ?? 0);
    automaton.fail[state] = suffix;
    automaton.keyword[state] = ends;
    automaton.shorter[state] = automaton.ending[suffix] ?? 0;
    automaton.ending[state] = ends >= 0 ? state : automaton.ending[suffix] ?? 0;
  }
  return automaton;
}

interface Branch {
  readonly state: number;
  readonly slot: number;
  /** The keyword that ends here, or -1. */
  ends: number;
}

/** Its branches by depth: what a state's suffixes are is known before the state itself is come to. */
function growTrie(transitions: Transitions, spellings: readonly (readonly number[])[]): Branch[] {
  const byDepth: Branch[][] = [];
  const branches: Branch[] = [{ state: ROOT, slot: 0, ends: -1 }];
  spellings.forEach((tokens, keyword) => {
    let state = ROOT;
    tokens.forEach((token, depth) => {
      const slot = slotOf(transitions, state, token);
      if (transitions.to[slot] === ROOT) {
        const branch: Branch = { state: branches.length, slot, ends: -1 };
        branches.push(branch);
        (byDepth[depth] ??= []).push(branch);
        transitions.from[slot] = state;
        transitions.token[slot] = token;
        transitions.to[slot] = branch.state;
      }
      state = transitions.to[slot] ?? ROOT;
    });
    const last = branches[state];
    if (last !== undefined) last.ends = keyword;
  });
  return byDepth.flat();
}
