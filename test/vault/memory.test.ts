import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createGuardedMemory, withScratch } from '../../src/vault/guarded-memory.ts';

const dist = (name: string): string => JSON.stringify(new URL(`../../dist/vault/${name}.js`, import.meta.url).href);
const run = (code: string, before = ''): ReturnType<typeof spawnSync> => spawnSync('bash', ['-c', `${before} exec "$0" "$@"`, process.execPath, '--input-type=module', '-e', code], { encoding: 'utf8' });

/** CAP_IPC_LOCK, of capabilities(7): root has it, and in a container not even root. */
const IPC_LOCK = 1n << 14n;
/** Whatever the limit says. */
const mayLockAnything = (): boolean => (BigInt(`0x${/^CapEff:\s+([\da-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) & IPC_LOCK) !== 0n;

describe('guarded memory', () => {
  test('holds what was written, is readable only inside, and forgets', () => {
    const memory = createGuardedMemory(64);
    memory.write((slab) => {
      slab.write('root key');
    });
    expect(memory.read((slab) => slab.toString('latin1', 0, 8))).toBe('root key');
    expect(memory.read(() => memory.read((slab) => slab.toString('latin1', 0, 4)))).toBe('root');
    expect(() => memory.read(() => memory.write(() => undefined))).toThrow(/while it is read/);
    expect(() => memory.read(() => { throw new Error('out'); })).toThrow('out');
    memory.wipe();
    expect(memory.read((slab) => slab.equals(Buffer.alloc(64)))).toBe(true);
  });

  test.each([
    ['read', 'kept[0]'],
    ['written', 'kept[0] = 1'],
  ])('kills the process when it is %s outside', (_, act) => {
    const { signal, status, stdout } = run(`
      import { createGuardedMemory } from ${dist('guarded-memory')};
      let kept;
      createGuardedMemory(64).read((slab) => { kept = slab; });
      console.log('alive');
      console.log('never', ${act});`);
    expect(stdout).toBe('alive\n');
    expect(signal ?? status).not.toBe(0);
  });

  test('says when it cannot be kept from swap', () => {
    const { stdout } = run(`import { createGuardedMemory } from ${dist('guarded-memory')}; console.log(String(createGuardedMemory(64).keptFromSwap));`, 'ulimit -l 0;');
    expect(stdout).toBe(`${String(mayLockAnything())}\n`);
  });

  test('scratch is wiped whatever happens', async () => {
    let seen: Buffer = Buffer.from('secret');
    await expect(withScratch(8, (scratch) => { seen = scratch; scratch.write('secret'); throw new Error('out'); })).rejects.toThrow('out');
    expect(seen.equals(Buffer.alloc(8))).toBe(true);
  });
});

test('core dumps of a hardened process hold no memory', () => {
  const { stdout } = run(`
    import { readFileSync } from 'node:fs';
    import { keepOutOfCoreDumps } from ${dist('hardening')};
    console.log(keepOutOfCoreDumps().coreDumps, readFileSync('/proc/self/coredump_filter', 'utf8').trim());`);
  expect(stdout).toBe('emptied 00000000\n');
});
