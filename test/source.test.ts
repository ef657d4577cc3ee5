/** What comes piece by piece to one reader: who waits for whom, and that an end, a failure and a leaving are told once and stay told. */
import { describe, expect, test } from '@jest/globals';
import { createHook } from 'node:async_hooks';
import { createSource, END, readEach, sourceOf, toldBy } from '../src/source.ts';
import type { Source } from '../src/source.ts';

interface Tap {
  readonly source: Source<string>;
  readonly push: (...items: readonly string[]) => void;
  readonly end: (failure?: Error) => void;
  readonly isAwaited: () => boolean;
  readonly left: () => number;
}

/** A source whose items come when the test says so. */
function tap(...here: readonly string[]): Tap {
  const items = [...here];
  const state: { end?: { readonly failure: Error | undefined }; waiting?: (() => void) | undefined; left: number } = { left: 0 };
  const wake = (): void => {
    const { waiting } = state;
    state.waiting = undefined;
    waiting?.();
  };
  const source = createSource<string>({
    take() {
      const item = items.shift();
      if (item !== undefined) return item;
      if (state.end?.failure !== undefined) throw state.end.failure;
      return state.end === undefined ? undefined : END;
    },
    when: (ready) => void (state.waiting = ready),
    leave: () => void (state.left += 1),
  });
  return {
    source,
    push(...more) {
      items.push(...more);
      wake();
    },
    end(failure) {
      state.end = { failure };
      wake();
    },
    isAwaited: () => state.waiting !== undefined,
    left: () => state.left,
  };
}

/** What a reader was told, in its order. */
function reading(source: Source<string>, item: (item: string) => Promise<void> | false | undefined = () => undefined): { readonly told: string[]; readonly over: Promise<void> } {
  const told: string[] = [];
  const over = readEach(source, {
    item(text) {
      told.push(text);
      return item(text);
    },
    end: () => void told.push('end'),
  });
  return { told, over };
}

const telling = { item: (text: string): string => (text === 'quiet' ? '' : `<${text}>`), end: () => 'end', broken: (error: unknown) => (error as Error).message };

describe('reading each', () => {
  test('what comes is told in the turn it comes, and costs no promise', async () => {
    const { source, push, end } = tap('here');
    const { told, over } = reading(source);
    expect(told).toEqual(['here']);
    const made = { promises: 0 };
    const hook = createHook({ init: (_id, type) => void (made.promises += Number(type === 'PROMISE')) }).enable();
    push('one', 'two');
    push('three');
    hook.disable();
    expect([told, made.promises]).toEqual([['here', 'one', 'two', 'three'], 0]);
    end();
    expect(told.at(-1)).toBe('end');
    await over;
  });

  test('a failure while it waits is thrown after all that came before it', async () => {
    const { source, push, end, left } = tap();
    const { told, over } = reading(source);
    push('one');
    end(new Error('broken'));
    await expect(over).rejects.toThrow('broken');
    expect([told, left()]).toEqual([['one'], 1]);
  });

  test('a slow reader is waited for, and nothing is taken meanwhile', async () => {
    const { source, push, end, isAwaited } = tap();
    const slow: (() => void)[] = [];
    const { told, over } = reading(source, () => new Promise((resolve) => slow.push(resolve)));
    push('one', 'two');
    end();
    expect([told, isAwaited()]).toEqual([['one'], false]);
    slow.shift()?.();
    await Promise.resolve();
    expect(told).toEqual(['one', 'two']);
    slow.shift()?.();
    await over;
    expect(told).toEqual(['one', 'two', 'end']);
  });

  test('a reader that has enough, throws or fails while it is slow leaves', async () => {
    const enough = tap('one', 'two');
    await reading(enough.source, () => false).over;
    expect([enough.left(), enough.source.take()]).toEqual([1, 'two']);
    for (const fault of [() => Promise.reject(new Error('mine')), () => { throw new Error('mine'); }]) {
      const { source, left } = tap('one', 'two');
      await expect(reading(source, fault).over).rejects.toThrow('mine');
      expect(left()).toBe(1);
    }
  });

  test('what comes while an item is read is read after it, once', async () => {
    const { source, push, end } = tap();
    const { told, over } = reading(source, (text) => {
      if (text === 'one') push('two');
      if (text === 'two') end();
      return undefined;
    });
    push('one');
    await over;
    expect(told).toEqual(['one', 'two', 'end']);
  });
});

describe('as an async iterable', () => {
  test('gives what is here and what comes, then its end or failure, again to who asks again', async () => {
    for (const failure of [undefined, new Error('broken')]) {
      const { source, push, end } = tap('one');
      const iterator = source[Symbol.asyncIterator]();
      expect(await iterator.next()).toEqual({ done: false, value: 'one' });
      const next = iterator.next();
      push('two');
      expect(await next).toEqual({ done: false, value: 'two' });
      const last = iterator.next();
      end(failure);
      for (const asked of [last, iterator.next()]) {
        if (failure === undefined) expect((await asked).done).toBe(true);
        else await expect(asked).rejects.toBe(failure);
      }
    }
  });

  test('who leaves the loop leaves the source', async () => {
    const { source, left } = tap('one', 'two');
    for await (const text of source) if (text === 'one') break;
    expect(left()).toBe(1);
  });
});

/** Notes what becomes of it. */
async function* items(notes: string[], failure?: Error): AsyncGenerator<string> {
  try {
    yield 'one';
    yield 'two';
    if (failure !== undefined) throw failure;
    notes.push('whole');
  } finally {
    notes.push('over');
  }
}

describe('of an async iterable', () => {
  test('a source stays what it is', () => {
    const { source } = tap();
    expect(sourceOf(source)).toBe(source);
  });

  test('asks for the next one only when it is wanted', async () => {
    const notes: string[] = [];
    const { told, over } = reading(sourceOf(items(notes)));
    await over;
    expect([told, notes]).toEqual([['one', 'two', 'end'], ['whole', 'over']]);
  });

  test('its failure is thrown, and again to who takes again', async () => {
    const notes: string[] = [];
    const failure = new Error('broken');
    const source = sourceOf(items(notes, failure));
    await expect(reading(source).over).rejects.toBe(failure);
    expect(notes).toEqual(['over']);
    // Who left has an end, and nothing that broke.
    expect(() => source.take()).toThrow(failure);
  });

  test('leaving ends it, also where the next one is on its way', async () => {
    const early: string[] = [];
    await reading(sourceOf(items(early)), () => false).over;
    expect(early).toEqual(['over']);
    const late: string[] = [];
    const source = sourceOf(items(late));
    const ready = new Promise<void>((resolve) => source.when(resolve));
    source.leave();
    await ready;
    await new Promise((resolve) => setImmediate(resolve));
    expect([source.take(), late]).toEqual([END, ['over']]);
  });
});

describe('told in other words', () => {
  test('all that is here is one text, then what comes, then the end', async () => {
    const { source, push, end } = tap('one', 'quiet', 'two');
    const { told, over } = reading(toldBy(source, telling));
    // The first does not wait for what came with it.
    expect(told).toEqual(['<one>', '<two>']);
    push('quiet');
    push('three');
    end();
    await over;
    expect(told).toEqual(['<one>', '<two>', '<three>', 'end', 'end']);
  });

  test('what comes in the same turn as the end is told with it', () => {
    const { source, push, end } = tap();
    push('one', 'two', 'three');
    end();
    const told = toldBy(source, telling);
    expect([told.take(), told.take(), told.take()]).toEqual(['<one>', '<two><three>end', END]);
  });

  test('a failure, and one of the telling itself, is told last, and nothing after it', () => {
    const broken = tap('one');
    broken.end(new Error('broken'));
    const told = toldBy(broken.source, telling);
    expect([told.take(), told.take(), told.take()]).toEqual(['<one>', 'broken', END]);
    const mine = tap('one', 'two');
    const faulty = toldBy(mine.source, { ...telling, item: () => { throw new Error('mine'); } });
    expect([faulty.take(), faulty.take(), mine.left()]).toEqual(['mine', END, 1]);
  });

  test('of more than a response takes at once the rest is told when it is asked for', () => {
    const { source } = tap(...Array.from({ length: 5 }, () => 'x'.repeat(10_000)));
    const told = toldBy(source, telling);
    expect([told.take(), told.take(), told.take(), told.take()].map((text) => (typeof text === 'string' ? text.length : text))).toEqual([10_002, 20_004, 20_004, undefined]);
  });
});
