/** So many workers, and another for each that dies. */
import cluster from 'node:cluster';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startMember } from './member.ts';
import type { Member, MemberOptions } from './member.ts';

export interface Team {
  /** Rejects where one of the first ends before it takes connections. */
  readonly ready: Promise<unknown>;
  /** Workers that take connections now. */
  readonly running: () => number;
  /** Tells each what is another since it was last told. */
  readonly tell: () => void;
  /** The keys of accounts. */
  readonly forget: () => void;
  /** Resolves when all have ended; those that have not after so many milliseconds and a moment are made to. */
  readonly drain: (milliseconds: number) => Promise<void>;
}

/** Node 20 runs no TypeScript: from the sources, tests run the workers that were built. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? '../../dist/workers/worker.js' : './worker.js', import.meta.url);

/** Who lives longer than this has not failed at its start. */
const SOUND_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A worker that has ended its answers is gone within this. */
const GRACE_MS = 3_000;

export function startTeam(options: MemberOptions): Team {
  const { emit, settings } = options;
  // In turn: left to the kernel, one of two had 60 of 64 connections.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ exec: fileURLToPath(PROGRAM), args: [], serialization: 'json' });
  const members = new Set<Member>();
  const state = { stopping: false, failures: 0 };

  const begin = (): Member => {
    const member = startMember(options);
    members.add(member);
    void replace(member, performance.now());
    return member;
  };

  /** When it ends before it is told to. */
  async function replace(member: Member, startedAt: number): Promise<void> {
    await member.ended;
    members.delete(member);
    if (state.stopping) return;
    state.failures = performance.now() - startedAt > SOUND_MS ? 0 : state.failures + 1;
    const pauseMs = state.failures === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (state.failures - 1));
    emit({ type: 'notice', level: 'error', message: `a worker died; what it was answering is broken off, another starts ${pauseMs === 0 ? 'now' : `in ${pauseMs} ms`}` });
    await wait(pauseMs);
    if (!state.stopping) begin();
  }

  const first = Array.from({ length: settings.server.workers }, begin);
  return {
    ready: Promise.all(first.map(({ ready }) => ready)),
    running: () => [...members].filter(({ isReady }) => isReady()).length,
    tell: () => members.forEach(({ tell }) => tell()),
    forget: () => members.forEach(({ forget }) => forget()),
    async drain(milliseconds) {
      state.stopping = true;
      const late = setTimeout(() => members.forEach(({ kill }) => kill()), milliseconds + GRACE_MS);
      for (const { drain } of members) drain(milliseconds);
      await Promise.all([...members].map(({ ended }) => ended));
      clearTimeout(late);
    },
  };
}
