/** Wrong guesses at a secret, and for how long whoever made them is not listened to. */
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { FailureError } from '../failure.ts';
import type { Clock } from '../types.ts';

export interface Attempts {
  /** Throws `too-many-attempts` while this address, or everybody together, has guessed wrong too often. */
  readonly allow: (address: string) => void;
  readonly failed: (address: string) => void;
  readonly succeeded: (address: string) => void;
}

/** Slips of a person's hand. */
const FREE_GUESSES = 5;
/** One second, then twice as long each time: a guesser gets about 1,500 a day from one address. */
const FIRST_HOLD_MS = 1_000;
const LONGEST_HOLD_MS = 60_000;
/** All addresses together, a minute. Whoever has shown the right secret before is not held up by the others. */
const GUESSES_A_MINUTE = 100;
const MINUTE_MS = 60_000;
/** Some 200 KB; the oldest are forgotten first. */
const MOST_ADDRESSES = 2_000;

interface Guesser {
  readonly wrong: number;
  readonly heldUntil: number;
}

export function createAttempts(now: Clock): Attempts {
  const guessers = new Map<string, Guesser>();
  const proven = new Set<string>();
  const everybody = { minute: 0, wrong: 0 };

  const thisMinute = (): typeof everybody => {
    const minute = Math.floor(now() / MINUTE_MS);
    if (everybody.minute !== minute) Object.assign(everybody, { minute, wrong: 0 });
    return everybody;
  };

  return {
    allow(address) {
      const held = guessers.get(address)?.heldUntil ?? 0;
      if (held > now()) throw tooMany(held);
      const { minute, wrong } = thisMinute();
      if (wrong >= GUESSES_A_MINUTE && !proven.has(address)) throw tooMany((minute + 1) * MINUTE_MS);
    },
    failed(address) {
      const wrong = (guessers.get(address)?.wrong ?? 0) + 1;
      const hold = wrong < FREE_GUESSES ? 0 : Math.min(LONGEST_HOLD_MS, FIRST_HOLD_MS * 2 ** (wrong - FREE_GUESSES));
      guessers.delete(address);
      guessers.set(address, { wrong, heldUntil: now() + hold });
      trim(guessers);
      thisMinute().wrong += 1;
    },
    succeeded(address) {
      guessers.delete(address);
      proven.add(address);
      trim(proven);
    },
  };
}

function trim(kept: Map<string, unknown> | Set<string>): void {
  if (kept.size <= MOST_ADDRESSES) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

const tooMany = (retryAt: number): FailureError => new FailureError({ kind: 'too-many-attempts', message: 'too many wrong attempts; wait a moment', retryAt });

/** Who guesses. Of IPv6 the first half: the rest is each host's own to choose. */
export function addressOf({ socket }: IncomingMessage): string {
  const address = socket.remoteAddress ?? '';
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [left = '', right] = address.split('::');
  const head = left.split(':').filter(Boolean);
  const tail = (right ?? '').split(':').filter(Boolean);
  return [...head, ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0'), ...tail].slice(0, 4).join(':');
}
