/** One worker as its owner has it: its process, and what is said to it. */
import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { setTimeout as wait } from 'node:timers/promises';
import { monotonicOffset, createPost } from './messages.ts';
import type { Start, ToOwner, ToWorker } from './messages.ts';
import { createDesk } from './desk.ts';
import type { DeskOptions } from './desk.ts';
import { createTelling } from './snapshots.ts';
import type { SnapshotSources } from './snapshots.ts';
import { watchDealt } from './limbo.ts';

export interface MemberOptions extends Omit<DeskOptions, 'post'>, SnapshotSources, Omit<Start, 'type' | 'epoch'> {}

export interface Member {
  /** Rejects where it ends before. */
  readonly ready: Promise<void>;
  readonly isReady: () => boolean;
  readonly ended: Promise<void>;
  /** Tells it what is another since it was last told. */
  readonly tell: () => void;
  /** The keys of accounts. */
  readonly forget: () => void;
  readonly drain: (milliseconds: number) => void;
  readonly kill: () => void;
}

/** A start takes a second on a machine that has little time. */
const START_MS = 60_000;
const LOOK_MS = 2;

export function startMember(options: MemberOptions): Member {
  const worker = cluster.fork();
  const { process: child } = worker;
  const closeDealt = watchDealt(child);
  // To one that has just died nothing can be said, and nothing needs to be.
  const send = (batch: readonly ToWorker[]): void => void (child.connected && child.send([...batch], undefined, undefined, () => undefined));
  const { post, flush } = createPost(send);
  const tell = createTelling(options, post);
  const desk = createDesk({
    ...options,
    post(message) {
      // A turn may be of an account that is new.
      if (message.type === 'turn') tell();
      post(message);
    },
  });
  // What Node itself says to one that has just died fails as an event, which nobody hearing it would make the end of the owner.
  worker.on('error', () => undefined);
  const state = { ready: false };
  const ended = endOf(worker).then(() => {
    state.ready = false;
    desk.bury();
    closeDealt();
    return undefined;
  });
  const greet = (): void => {
    tell();
    post(startOf(options));
  };
  const ready = new Promise<void>((resolve, reject) => {
    worker.on('message', (batch: readonly ToOwner[]) => {
      for (const message of batch) {
        if (message.type === 'here') greet();
        else if (message.type === 'ready') resolve();
        else desk.hear(message);
      }
    });
    void ended.then(() => reject(new Error('a worker ended before it was ready')));
  });
  const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
  // Whoever starts one in place of another does not wait for it.
  ready.then(() => (state.ready = true), () => undefined).finally(() => clearTimeout(late));
  return {
    ready,
    isReady: () => state.ready,
    ended,
    tell() {
      tell();
      flush();
    },
    forget() {
      desk.forget();
      post({ type: 'forget' });
    },
    drain(milliseconds) {
      post({ type: 'drain', milliseconds });
      flush();
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/** All it said has been read by then. Node tells that by an event, but not while a connection is on its way. */
async function endOf(worker: Worker): Promise<void> {
  await new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  while (worker.process.connected) await wait(LOOK_MS);
}

function startOf({ host, port, socketPath, version, settings: { jwt: _jwt, ...settings }, allowedHosts, loopback, signed, now }: MemberOptions): Start {
  // Secrets of the settings are of no use there.
  return { type: 'start', host, port, socketPath, version, settings: { ...settings, webhooks: [] }, allowedHosts, loopback, signed, epoch: now() - performance.now() - monotonicOffset() };
}
