/** What cannot be written down now, as the notices tell it. */
import type { GatewayEvent, WrittenPart } from '../types.ts';

export interface Problem {
  readonly part: WrittenPart;
  readonly message: string;
}

export interface Problems {
  readonly observe: (event: GatewayEvent) => void;
  readonly list: () => readonly Problem[];
}

export function createProblems(): Problems {
  const problems = new Map<WrittenPart, string>();
  return {
    observe(event) {
      if (event.type !== 'notice' || event.part === undefined) return;
      if (event.level === 'info') problems.delete(event.part);
      else problems.set(event.part, event.message);
    },
    list: () => [...problems].map(([part, message]) => ({ part, message })),
  };
}
