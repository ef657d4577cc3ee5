/**
 * One automaton for all keywords (Aho and Corasick, 1975) over words and characters as {@link spell} gives them: every
 * keyword is found in one pass, and a token costs a bounded number of steps on average, whatever the text and however
 * many keywords begin alike.
 *
 * Transitions lie in a double array (Aoe, 1989): two loads a step, no hashing, a few bytes a state.
 */
export interface Automaton {
  readonly base: Int32Array;
  readonly check: Int32Array;
  /** By state: the longest of its proper suffixes that begins a keyword. */
  readonly fail: Int32Array;
  /** By state: the nearest state, itself first, where a keyword ends; 0 for none. */
  readonly ending: Int32Array;
  /** By state where a keyword ends: the next shorter keyword that ends there too; 0 for none. */
  readonly shorter: Int32Array;
  /** By state where a keyword ends: which one. */
  readonly keyword: Int32Array;
}

/** Nothing of any keyword has been read. */
export const ROOT = 0;

/** The state after one more token; 0 stands for tokens of no keyword. */
export function step({ base, check, fail }: Automaton, from: number, token: number): number {
  if (token === 0) return ROOT;
  let state = from;
  for (;;) {
    const slot = (base[state] ?? 0) + token;
    if (check[slot] === state) return slot;
    if (state === ROOT) return ROOT;
    state = fail[state] ?? ROOT;
  }
}

interface Node {
  readonly children: Map<number, Node>;
  keyword: number;
  slot: number;
}

const node = (): Node => ({ children: new Map(), keyword: -1, slot: ROOT });

/** @param spellings each keyword's tokens as numbers above 0; no two alike, none empty */
export function buildAutomaton(spellings: readonly (readonly number[])[]): Automaton {
  const root = node();
  spellings.forEach((tokens, keyword) => {
    let at = root;
    for (const token of tokens) {
      const next = at.children.get(token) ?? node();
      at.children.set(token, next);
      at = next;
    }
    at.keyword = keyword;
  });
  const { order, base, check } = layOut(root);
  const column = (): Int32Array => new Int32Array(base.length);
  const automaton: Automaton = { base, check, fail: column(), ending: column(), shorter: column(), keyword: column().fill(-1) };
  // Breadth first: a state's suffix is shorter, so it is complete before the state itself.
  for (const parent of order) {
    for (const [token, { slot, keyword }] of parent.children) {
      const suffix = parent === root ? ROOT : step(automaton, automaton.fail[parent.slot] ?? ROOT, token);
      automaton.fail[slot] = suffix;
      automaton.keyword[slot] = keyword;
      automaton.shorter[slot] = automaton.ending[suffix] ?? 0;
      automaton.ending[slot] = keyword >= 0 ? slot : automaton.ending[suffix] ?? 0;
    }
  }
  return automaton;
}

/** Gives every node a slot such that its children lie at its base plus their token, and no two share one. Nodes come breadth first. */
function layOut(root: Node): { order: readonly Node[]; base: Int32Array; check: Int32Array } {
  const order: Node[] = [root];
  const base: number[] = [];
  const owner: number[] = [ROOT];
  let free = 1;
  for (const parent of order) {
    const tokens = [...parent.children.keys()];
    while (owner[free] !== undefined) free += 1;
    let offset = Math.max(1, free - Math.min(...tokens));
    while (tokens.some((token) => owner[offset + token] !== undefined)) offset += 1;
    base[parent.slot] = offset;
    for (const [token, child] of parent.children) {
      child.slot = offset + token;
      owner[child.slot] = parent.slot;
      order.push(child);
    }
  }
  // Room for any token past the last slot, so that no step reads outside; holes belong to nobody.
  const length = owner.length + Math.max(0, ...order.flatMap(({ children }) => [...children.keys()]));
  return { order, base: Int32Array.from({ length }, (_, slot) => base[slot] ?? 0), check: Int32Array.from({ length }, (_, slot) => owner[slot] ?? -1) };
}
