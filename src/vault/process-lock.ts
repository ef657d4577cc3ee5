/**
 * A lock between processes that the kernel gives back when its holder dies, however it dies.
 *
 * Node has no flock, and a process id in a file says little: ids are reused, and each container has its own process 1.
 * A holder therefore listens on a Unix socket in the directory: whoever can connect knows that it lives, across
 * containers and without clocks. Every entry has a name of its own that is never used again, so removing a dead one
 * can never remove a living one. Entering is: put up an entry, then look; of two who do so at once, at least one sees
 * the other, and whoever sees another leaves and tries again.
 *
 * Sockets do not reach across machines: one data directory on a network disk, used by two hosts, is not protected.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemCode } from '../files.ts';
import { diskError, diskHint } from './durable-write.ts';
import { VaultError } from './errors.ts';

export interface Holder {
  readonly pid: number;
  /** Epoch milliseconds. */
  readonly since: number;
}

export interface Lock {
  readonly release: () => Promise<void>;
}

export interface LockOptions {
  readonly directory: string;
  /** Letters; the file is `<name>.lock.<pid>.<since>.<random>`. */
  readonly name: string;
  readonly pid: number;
  readonly now: () => number;
  /** How long to wait for a living holder. */
  readonly waitMs: number;
}

/** Throws `busy` with the holder's process id and start. */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { directory, name, waitMs } = options;
  const place = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
    throw diskError(directory, error);
  });
  try {
    for (let waited = 0; ; ) {
      const holder = (await findHolder(options, place)) ?? (await enter(options, place));
      if ('release' in holder) return holder;
      if (waited >= waitMs) {
        throw new VaultError('busy', `${join(directory, name)} is held by process ${holder.pid} since ${new Date(holder.since).toISOString()}`, { hint: 'wait for it to finish, or stop it' });
      }
      // Random, so that those who met do not meet again.
      const delay = randomInt(5, 40);
      waited += delay;
      await pause(delay);
    }
  } finally {
    await place.close();
  }
}

/** Puts up an entry and looks around: ours, or the other one's holder. */
async function enter(options: LockOptions, place: FileHandle): Promise<Lock | Holder> {
  const { directory, name, pid, now } = options;
  const suffix = `${pid}.${Math.trunc(now())}.${randomBytes(6).toString('hex')}`;
  const entry = `${name}.lock.${suffix}`;
  // Bound first and named afterwards: between binding and listening it would look dead.
  const unready = `${name}.new.${suffix}`;
  const server = await listen(reach(directory, place, unready));
  const release = async (): Promise<void> => {
    await rm(join(directory, entry), { force: true });
    await new Promise((resolve) => server.close(resolve));
  };
  try {
    await rename(join(directory, unready), join(directory, entry));
    const other = await findHolder(options, place, entry);
    if (other === undefined) return { release };
    await release();
    return other;
  } catch (error) {
    await release();
    throw diskError(directory, error);
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((visitor) => {
      visitor.destroy();
    });
    server.unref();
    server.once('error', (error) => {
      const hint = diskHint(error) ?? 'the disk must allow Unix sockets: with containers use a named volume, not a shared folder';
      reject(new VaultError('disk', `no lock can be held in this directory (${systemCode(error) ?? 'unknown'})`, { cause: error, hint }));
    });
    server.listen(path, () => {
      resolve(server);
    });
  });
}

/** The first living holder but ourselves. Dead entries are cleared away. */
async function findHolder({ directory, name, now }: LockOptions, place: FileHandle, own?: string): Promise<Holder | undefined> {
  for (const entry of await readdir(directory)) {
    const [, kind, pid, since] = new RegExp(`^${name}\\.(lock|new)\\.(\\d+)\\.(\\d+)\\.[0-9a-f]+$`).exec(entry) ?? [];
    if (kind === undefined || entry === own) continue;
    if (kind === 'new') await clearLitter(join(directory, entry), now());
    else if (await lives(reach(directory, place, entry))) return { pid: Number(pid), since: Number(since) };
    else await rm(join(directory, entry), { force: true });
  }
  return undefined;
}

/** An entry that never got its name belongs to a process that died within those microseconds. A minute is for ever. */
async function clearLitter(path: string, now: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && now - found.mtimeMs > 60_000) await rm(path, { force: true });
}

function lives(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Only these two say that nobody listens: anything else, such as a full backlog, is a living process.
    socket.once('error', (error) => {
      resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCode(error) ?? ''));
    });
  });
}

/** A socket's address holds 107 bytes (103 on macOS). Linux can shorten a longer path by way of the open directory. */
function reach(directory: string, place: FileHandle, name: string): string {
  const path = join(directory, name);
  return Buffer.byteLength(path) <= 100 ? path : `/proc/self/fd/${place.fd}/${name}`;
}
