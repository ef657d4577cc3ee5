/** How deep JSON is nested. Whatever recurses over it, as `JSON.stringify` does, overflows the stack on what `JSON.parse` accepts. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  // Parsed, so all its properties are its own.
  for (const name in value) if (isDeeperThan((value as Record<string, unknown>)[name], levels - 1)) return true;
  return false;
}
