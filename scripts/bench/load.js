/** A load over kept-alive connections, with the time of each answer: closed, or at a fixed rate whatever comes back. */
import { connect } from 'node:net';

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';
/** Where a machine cannot carry so many streams, those that have not begun by then count as refused. */
const PATIENCE_MS = 10_000;
const EVENT_END = '\n\n';

const requestText = ({ host }, { body, path = '/v1/chat/completions', headers = {} }) => {
  const all = { host, 'content-type': 'application/json', authorization: 'Bearer bench', 'content-length': Buffer.byteLength(body), ...headers };
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
};

/**
 * One connection with one question at a time, always the same. Nothing is parsed but what tells the end of an answer: a
 * client as dear as the proxy under measurement would be what saturates first.
 */
function openConnection(origin, asking) {
  const url = new URL(origin);
  const request = requestText(url, asking);
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  const now = { head: '', left: 0, tail: '', waiting: undefined };

  const begin = (bytes) => {
    now.head += bytes.toString('latin1');
    const end = now.head.indexOf(HEAD_END);
    if (end === -1) return 0;
    if (!now.head.startsWith('HTTP/1.1 200')) throw new Error(`answered ${now.head.slice(9, 12)}: ${now.head.slice(end + HEAD_END.length, end + 500)}`);
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(now.head) ?? [];
    now.left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
    return now.head.length - end - HEAD_END.length;
  };
  const read = (bytes) => {
    const { waiting } = now;
    if (waiting === undefined) return;
    const size = now.left === 0 ? begin(bytes) : bytes.length;
    if (size === 0) return;
    waiting.first ??= performance.now();
    now.left -= size;
    if (now.left === Number.POSITIVE_INFINITY) now.tail = (now.tail + bytes.latin1Slice(Math.max(0, bytes.length - LAST_CHUNK.length))).slice(-LAST_CHUNK.length);
    waiting.onBody?.(bytes);
    if (now.left > 0 && now.tail !== LAST_CHUNK) return;
    Object.assign(now, { head: '', left: 0, tail: '', waiting: undefined });
    waiting.resolve({ first: waiting.first - waiting.asked, whole: performance.now() - waiting.asked });
  };
  const fail = (error) => {
    socket.destroy();
    now.waiting?.reject(error);
    now.waiting = undefined;
  };
  socket.on('data', (bytes) => {
    try {
      read(bytes);
    } catch (error) {
      fail(error);
    }
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error(`${origin} closed the connection before its answer was whole`)));
  return {
    /** Resolves with the milliseconds until the first byte of the body, and until its last. */
    ask: (onBody) =>
      new Promise((resolve, reject) => {
        now.waiting = { asked: performance.now(), first: undefined, onBody, resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/**
 * For so many seconds, and until `least` have been answered: with `perSecond` at that rate, however late the answers; without, each of `connections` asks as soon as it
 * has been answered.
 * @returns times to the first body byte and to the last, milliseconds, one each a request; the requests answered a second; how
 *   many failed, and what the first of those was told
 */
export async function load(origin, { seconds, least = 0, connections, perSecond, ...asking }) {
  const seen = { first: [], whole: [], failed: 0, reason: undefined };
  const idle = Array.from({ length: connections ?? 0 }, () => openConnection(origin, asking));
  const one = async () => {
    const connection = idle.pop() ?? openConnection(origin, asking);
    try {
      const { first, whole } = await connection.ask();
      seen.first.push(first);
      seen.whole.push(whole);
      idle.push(connection);
    } catch (error) {
      seen.failed += 1;
      seen.reason ??= error.message;
    }
  };
  const started = performance.now();
  const passedMs = () => performance.now() - started;
  const over = () => passedMs() >= seconds * 1000 && seen.whole.length + seen.failed >= least;
  if (perSecond === undefined) {
    const worker = async () => {
      while (!over()) await one();
    };
    await Promise.all(Array.from({ length: connections }, worker));
  } else await paced({ one, over, due: () => Math.floor((passedMs() * perSecond) / 1000) + 1 });
  const rate = (seen.whole.length * 1000) / passedMs();
  for (const connection of idle) connection.close();
  return { ...seen, rate };
}

/** Nobody waits for an answer before asking the next question: a proxy that stalls is asked on. */
async function paced({ one, over, due }) {
  const asked = [];
  while (!over()) {
    while (asked.length < due()) asked.push(one());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(asked);
}

/**
 * Streams held open together, begun over `overSeconds`. `events()`: how many events came so far; `close()` leaves all of them and
 * returns how many had been refused or were broken by then, and what the first of those was told.
 */
export async function holdStreams(origin, { streams, overSeconds, ...asking }) {
  const seen = { events: 0, begun: 0, failed: 0, reason: undefined };
  const started = performance.now();
  const opened = [];
  const fail = (error) => {
    seen.failed += 1;
    seen.reason ??= error.message;
  };
  const open = () => {
    const connection = openConnection(origin, asking);
    const own = { begun: false };
    const count = (bytes) => {
      if (!own.begun) seen.begun += 1;
      own.begun = true;
      for (let at = bytes.indexOf(EVENT_END); at !== -1; at = bytes.indexOf(EVENT_END, at + 1)) seen.events += 1;
    };
    connection.ask(count).then(() => fail(new Error('a stream ended too early')), fail);
    opened.push(connection);
  };
  const late = () => performance.now() - started > overSeconds * 1000 + PATIENCE_MS;
  while (seen.begun + seen.failed < streams && !late()) {
    const due = Math.min(streams, Math.ceil(((performance.now() - started) / 1000 / overSeconds) * streams));
    while (opened.length < due) open();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  if (late()) seen.reason ??= `not begun within ${PATIENCE_MS / 1000} s`;
  seen.failed = Math.max(seen.failed, streams - seen.begun);
  return {
    events: () => seen.events,
    close() {
      const { failed, reason } = seen;
      for (const connection of opened) connection.close();
      return { failed, reason };
    },
  };
}
