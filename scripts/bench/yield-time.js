/**
 * Virtual time for a whole process: import it first. Every timer, Bottleneck's and the daemon's own, and every clock
 * follows it, so an hour of load takes a second, and the same load is the same each time.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const real = { immediate: globalThis.setImmediate };

/** A Tuesday, off the turn of every window. */
const START = Date.UTC(2026, 2, 10, 9, 13, 17, 345);

const state = { at: START, order: 0, heap: [] };

const before = (one, other) => one.at - other.at || one.order - other.order;

function push(timer) {
  const { heap } = state;
  let place = heap.length;
  heap.push(timer);
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (before(heap[parent], timer) <= 0) break;
    heap[place] = heap[parent];
    place = parent;
  }
  heap[place] = timer;
}

function pop() {
  const { heap } = state;
  const [first] = heap;
  const last = heap.pop();
  if (heap.length === 0) return first;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child + 1 < heap.length && before(heap[child + 1], heap[child]) < 0) child += 1;
    if (child >= heap.length || before(last, heap[child]) <= 0) break;
    heap[place] = heap[child];
    place = child;
  }
  heap[place] = last;
  return first;
}

/** Node's timers take a millisecond at least. */
function schedule(call, ms = 1, every) {
  state.order += 1;
  const timer = { at: state.at + Math.max(1, ms), order: state.order, call, every, cleared: false, ref: () => timer, unref: () => timer, hasRef: () => true };
  push(timer);
  return timer;
}

const clear = (timer) => {
  if (timer) timer.cleared = true;
};

globalThis.setTimeout = (call, ms, ...rest) => schedule(() => call(...rest), ms);
globalThis.setInterval = (call, ms, ...rest) => schedule(() => call(...rest), ms, Math.max(1, ms));
globalThis.clearTimeout = clear;
globalThis.clearInterval = clear;
Date.now = () => Math.floor(state.at);

const promises = createRequire(import.meta.url)('node:timers/promises');
promises.setTimeout = (ms, value) => new Promise((resolve) => void schedule(() => resolve(value), ms));
syncBuiltinESMExports();

export const now = () => state.at;
export const after = (ms, call) => {
  const timer = schedule(call, ms);
  return () => clear(timer);
};
export const sleep = (ms) => new Promise((resolve) => void schedule(resolve, ms));

/** Runs everything that is due up to a moment. A real immediate comes after every promise that can be kept. */
export async function runUntil(end) {
  await new Promise((resolve) => void real.immediate(resolve));
  while (state.heap.length > 0 && state.heap[0].at <= end) {
    const timer = pop();
    if (timer.cleared) continue;
    state.at = Math.max(state.at, timer.at);
    if (timer.every !== undefined) {
      timer.at += timer.every;
      push(timer);
    }
    timer.call();
    await new Promise((resolve) => void real.immediate(resolve));
  }
  state.at = end;
}

/** Back to the beginning, with nothing under way. */
export function startOver() {
  state.at = START;
  state.heap = [];
}
