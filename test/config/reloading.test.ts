import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, openSync, closeSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createReloading, type Reloading } from '../../src/config/reloading.ts';
import { loadSettings, type Settings } from '../../src/config/settings.ts';

const port = (number: number): string => `server: { port: ${number} }\n`;

describe('a file that reloads', () => {
  let directory = '';
  let file = '';
  let reloading: Reloading<Settings> | undefined;
  const heard: string[] = [];
  let next: (() => void) | undefined;

  /** Runs once the watcher has told something more. Fails by jest's own deadline. */
  const afterChange = async (change: () => void): Promise<string[]> => {
    const before = heard.length;
    const changed = new Promise<void>((resolve) => {
      next = resolve;
    });
    change();
    await changed;
    return heard.slice(before);
  };

  /** A finished file next to the real one, to be moved over it. */
  const aside = (text: string): string => {
    writeFileSync(`${file}~`, text);
    return `${file}~`;
  };

  const hear = (words: string): void => {
    heard.push(words.replace(directory, ''));
    next?.();
  };

  const open = async (): Promise<Reloading<Settings>> => {
    reloading = await createReloading({
      file,
      load: (text) => loadSettings(text, 'f'),
      onReload: ({ server }) => hear(`port ${server.port}`),
      onMistake: ({ message }) => hear(message),
    });
    return reloading;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tollfree-reload-'));
    file = join(directory, 'tollfree.yaml');
    writeFileSync(file, port(1));
    heard.length = 0;
  });

  afterEach(async () => {
    await reloading?.close();
    reloading = undefined;
    rmSync(directory, { recursive: true });
  });

  test('a file that is wrong or missing from the start is refused', async () => {
    writeFileSync(file, 'serve: 1');
    await expect(open()).rejects.toThrow('f:1:1 serve: unknown key (did you mean server?)');
    unlinkSync(file);
    await expect(open()).rejects.toThrow('tollfree.yaml does not exist');
  });

  test('written in place', async () => {
    const { current } = await open();
    expect(await afterChange(() => writeFileSync(file, port(2)))).toEqual(['port 2']);
    expect(current().server.port).toBe(2);
  });

  test('replaced, as editors do, and replaced again', async () => {
    const { current } = await open();
    for (const number of [2, 3]) {
      expect(await afterChange(() => renameSync(aside(port(number)), file))).toEqual([`port ${number}`]);
      expect(current().server.port).toBe(number);
    }
  });

  test('moved aside and written anew', async () => {
    const { current } = await open();
    await afterChange(() => {
      renameSync(file, `${file}.bak`);
      writeFileSync(file, port(2));
    });
    expect(heard).toEqual(['port 2']);
    expect(current().server.port).toBe(2);
  });

  test('wrong: told, and the snapshot before stays; right again: in force', async () => {
    const { current } = await open();
    expect(await afterChange(() => writeFileSync(file, 'server: { prt: 2 }'))).toEqual(['f:1:11 server.prt: unknown key (did you mean port?)']);
    expect(current().server.port).toBe(1);
    expect(await afterChange(() => writeFileSync(file, port(3)))).toEqual(['port 3']);
    expect(current().server.port).toBe(3);
  });

  test('deleted: told, and the snapshot before stays; back again: told too', async () => {
    const { current } = await open();
    expect(await afterChange(() => unlinkSync(file))).toEqual(['/tollfree.yaml does not exist']);
    expect(current().server.port).toBe(1);
    expect(await afterChange(() => writeFileSync(file, port(1)))).toEqual(['port 1']);
    expect(await afterChange(() => writeFileSync(file, port(2)))).toEqual(['port 2']);
    expect(await afterChange(() => unlinkSync(file))).toEqual(['/tollfree.yaml does not exist']);
    expect(await afterChange(() => renameSync(aside(port(3)), file))).toEqual(['port 3']);
    expect(current().server.port).toBe(3);
  });

  test('written in pieces: half of it is never read', async () => {
    const { current } = await open();
    writeFileSync(file, port(1) + '# '.padEnd(200, 'x'));
    await afterChange(() => undefined);
    heard.length = 0;
    const descriptor = openSync(file, 'w');
    const whole = afterChange(() => undefined);
    for (const piece of ['server: {', ' port: 2', '2', '2', ' }\n']) {
      writeSync(descriptor, piece);
      await wait(20);
    }
    closeSync(descriptor);
    expect(await whole).toEqual(['port 222']);
    expect(current().server.port).toBe(222);
  });

  test('touched without a change: nobody is told', async () => {
    await open();
    writeFileSync(file, port(1));
    await wait(300);
    expect(await afterChange(() => writeFileSync(file, port(2)))).toEqual(['port 2']);
    expect(heard).toEqual(['port 2']);
  });

  test('behind links that are swapped, as a mounted ConfigMap', async () => {
    for (const number of [1, 2, 3]) {
      mkdirSync(join(directory, `..${number}`));
      writeFileSync(join(directory, `..${number}`, 'tollfree.yaml'), port(number));
    }
    unlinkSync(file);
    symlinkSync('..1', join(directory, '..data'));
    symlinkSync('..data/tollfree.yaml', file);
    const { current } = await open();
    for (const number of [2, 3]) {
      const swap = (): void => {
        symlinkSync(`..${number}`, join(directory, '..next'));
        renameSync(join(directory, '..next'), join(directory, '..data'));
        rmSync(join(directory, `..${number - 1}`), { recursive: true });
      };
      expect(await afterChange(swap)).toEqual([`port ${number}`]);
      expect(current().server.port).toBe(number);
    }
  });

  test('behind a link, in another directory: written in place, and replaced as editors do', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'tollfree-real-'));
    const real = join(elsewhere, 'real.yaml');
    writeFileSync(real, port(1));
    unlinkSync(file);
    symlinkSync(real, file);
    await open();
    try {
      for (const number of [2, 3, 4]) {
        expect(await afterChange(() => writeFileSync(real, port(number)))).toEqual([`port ${number}`]);
        const replaced = (): void => {
          writeFileSync(`${real}~`, port(number * 10));
          renameSync(`${real}~`, real);
        };
        expect(await afterChange(replaced)).toEqual([`port ${number * 10}`]);
      }
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('closed: nothing is heard any more', async () => {
    const { current, close } = await open();
    await close();
    writeFileSync(file, port(2));
    await wait(300);
    expect(heard).toEqual([]);
    expect(current().server.port).toBe(1);
  });
});
