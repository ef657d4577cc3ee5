/** Names with `*` for any run of characters, `/` included, and `?` for any one. Case does not matter: nobody remembers how a model is capitalised. */
export type Glob = (name: string) => boolean;

export function compileGlobs(globs: readonly string[]): Glob {
  const patterns = globs.map((glob) => glob.toLowerCase());
  return (name) => {
    const lower = name.toLowerCase();
    return patterns.some((pattern) => matches(pattern, lower));
  };
}

/** Goes back to the last star only, so that no name takes longer than its length times the pattern's. */
function matches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === '*') {
      star = at;
      resume = index;
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
