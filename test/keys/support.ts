/** A data directory, a clock that is told the time, and what was said. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdmission, type Admission } from '../../src/keys/admission.ts';
import { openKeys, type Keys } from '../../src/keys/keys.ts';
import type { GatewayEvent } from '../../src/types.ts';

export const NOON = Date.UTC(2026, 10, 20, 12);
export const MINUTE = 60_000;
export const DAY = 86_400_000;

export interface World {
  readonly directory: string;
  readonly keysPath: string;
  readonly usagePath: string;
  readonly clock: { now: number };
  readonly notices: string[];
  readonly openKeys: () => Promise<Keys>;
  readonly openAdmission: (keys: Keys) => Admission;
  readonly remove: () => void;
}

export function createWorld(): World {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-keys-'));
  const [keysPath, usagePath] = [join(directory, 'keys.json'), join(directory, 'key-usage.jsonl')];
  const clock = { now: NOON };
  const notices: string[] = [];
  const emit = (event: GatewayEvent): void => {
    if (event.type === 'notice') notices.push(event.message);
  };
  const now = (): number => clock.now;
  return {
    directory,
    keysPath,
    usagePath,
    clock,
    notices,
    openKeys: () => openKeys({ path: keysPath, pid: process.pid, now, random: randomBytes, emit }),
    openAdmission: (keys) => createAdmission({ keys, path: usagePath, now, emit }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What a call was refused with; undefined where it was not. */
export function refusalOf(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error instanceof Error && 'failure' in error ? error.failure : error;
  }
}
