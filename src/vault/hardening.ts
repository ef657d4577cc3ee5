/** What a process can do for itself so that its memory does not end up on a disk. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface Hardening {
  /**
   * `emptied`: a dump of this process holds no memory, whoever asks for it. `off`: none is written.
   * `possible`: this system has no switch that Node can reach; `ulimit -c 0` before starting is the way.
   */
  readonly coreDumps: 'emptied' | 'off' | 'possible';
}

/**
 * Node cannot call setrlimit or prctl on itself, but Linux lets a process choose what its core dumps contain by
 * writing a mask: 0 leaves every mapping out. (core(5), "Controlling which mappings are written".)
 */
export function keepOutOfCoreDumps(): Hardening {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
    return { coreDumps: 'emptied' };
  } catch {
    return { coreDumps: coreLimit() === 0 ? 'off' : 'possible' };
  }
}

function coreLimit(): number | undefined {
  try {
    const [, soft] = /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
