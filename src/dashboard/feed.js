/** What the event stream told, kept for whichever view is shown. */
const KEPT = 100;

export function createFeed() {
  /** Newest first; those that run and those that are over. */
  const requests = new Map();
  const listeners = new Set();

  const put = (id, told) => {
    requests.set(id, { ...requests.get(id), ...told, id });
    if (requests.size <= KEPT) return;
    const oldest = [...requests.values()].find(({ status }) => status !== undefined);
    if (oldest !== undefined) requests.delete(oldest.id);
  };

  const take = {
    snapshot({ running, recent }) {
      requests.clear();
      for (const request of [...recent, ...running]) put(request.id, request);
    },
    'request-started': (told) => put(told.id, { ...told, attempts: [] }),
    'attempt-finished'({ id, ...attempt }) {
      const known = requests.get(id);
      if (known?.status === undefined && known !== undefined) known.attempts = [...(known.attempts ?? []), attempt];
    },
    'request-finished': (told) => put(told.id, told),
  };

  return {
    hear(name, data) {
      take[name]?.(data);
      for (const listener of listeners) if (listener.name === '*' || listener.name === name) listener.call(data);
    },
    on(name, call, signal) {
      const listener = { name, call };
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener));
    },
    requests: () => [...requests.values()].toReversed(),
  };
}

/** Calls at once, every so often while the page is seen, and soon after `nudge()`; never twice at a time. */
export function poll(call, milliseconds, signal) {
  const state = { timer: undefined, busy: false };
  const later = (wait) => {
    clearTimeout(state.timer);
    if (!signal.aborted) state.timer = setTimeout(() => void run(), wait);
  };
  const run = async () => {
    if (state.busy || document.hidden) return later(milliseconds);
    state.busy = true;
    await call();
    state.busy = false;
    later(milliseconds);
  };
  signal.addEventListener('abort', () => clearTimeout(state.timer));
  void run();
  return { nudge: () => later(600), now: run };
}
