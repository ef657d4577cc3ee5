/** The daemon's own admin routes, by the session's cookie. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const listeners = new Set();
/** Calls back when the session is over. */
export const onSignedOut = (listener) => listeners.add(listener);

const over = () => listeners.forEach((listener) => listener());

/** The answer's JSON. Throws an ApiError with the daemon's own words. */
export async function api(method, path, body) {
  const response = await request(method, path, body);
  return response.status === 204 ? undefined : response.json();
}

/** Every page of a list, as one answer. */
export async function apiAll(path, list) {
  const items = [];
  for (let after = ''; ; ) {
    const { next, ...page } = await api('GET', `${path}?limit=500${after}`);
    items.push(...page[list]);
    if (next === undefined) return { ...page, [list]: items };
    after = `&after=${encodeURIComponent(next)}`;
  }
}

/** The answer itself, for streams. */
export async function request(method, path, body, signal) {
  let response;
  try {
    response = await fetch(`../admin${path}`, { method, signal, ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });
  } catch (error) {
    throw error.name === 'AbortError' ? error : new ApiError(0, 'the daemon does not answer; is it running?');
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => undefined);
  if (response.status === 401 && path !== '/session') over();
  const error = new ApiError(response.status, told?.error?.message ?? `the daemon answered ${response.status}`);
  error.attempts = told?.error?.attempts;
  throw error;
}

const NAMES = ['snapshot', 'request-started', 'attempt-finished', 'request-finished', 'request-refused', 'account-changed', 'notice', 'dropped'];

/** What happens, as it happens: `hear(name, data)`; `changed(true|false)` tells whether we hear anything. The browser reconnects by itself. */
export function follow(hear, changed, signal) {
  const source = new EventSource('../admin/events');
  for (const name of NAMES) source.addEventListener(name, ({ data }) => hear(name, JSON.parse(data)));
  source.addEventListener('open', () => changed(true));
  source.addEventListener('error', () => {
    changed(false);
    // Refused, not cut: the session may be over.
    if (source.readyState === EventSource.CLOSED) api('GET', '/session').then(({ expires_at: expires }) => expires === undefined && over(), () => undefined);
  });
  signal.addEventListener('abort', () => source.close());
}
