/** What cannot be written down now, and which file has a mistake and is not in force, as the notices tell it. */
import type { FollowedFile, GatewayEvent, WrittenPart } from '../types.ts';

export interface Problem {
  readonly part: WrittenPart | FollowedFile;
  readonly message: string;
}

export interface Problems {
  readonly observe: (event: GatewayEvent) => void;
  readonly list: () => readonly Problem[];
}

export function createProblems(): Problems {
  const problems = new Map<Problem['part'], string>();
  return {
    observe(event) {
      if (event.type !== 'notice' || event.part === undefined) return;
      if (event.level === 'info') problems.delete(event.part);
      else problems.set(event.part, event.message);
    },
    list: () => [...problems].map(([part, message]) => ({ part, message })),
  };
}
