/** Server-sent events, fed with text cut anywhere. */
import { createParser } from 'eventsource-parser';
import { FailureError } from '../failure.ts';
import type { Clock } from '../types.ts';
import type { Payload } from './dialect.ts';

/** What text becomes, piece by piece. */
export interface Reader {
  /** The payloads this text completed. */
  feed(text: string): readonly Payload[];
  /** The payloads left when no more text comes. */
  end(): readonly Payload[];
  /** The sender said it is done: what follows is of no interest. */
  readonly over: () => boolean;
}

/** One event or body, in characters. The largest honest ones carry a picture or a minute of speech. */
export const MAX_PAYLOAD = 8 * 1024 * 1024;
/** More than the longest answer has tokens. Each is held with 130 bytes of its own, so that 64 MiB of the shortest would be a gigabyte. */
const MOST_EVENTS = 500_000;
/** An event must be whole within a minute: a drip that keeps every other deadline quiet ends here. */
const EVENT_MS = 60_000;

export interface EventReaderOptions {
  /** For messages. */
  readonly host: string;
  readonly now: Clock;
  readonly eventMs?: number | undefined;
}

export function createEventReader({ host, now, eventMs = EVENT_MS }: EventReaderOptions): Reader {
  const state: { payloads: Payload[]; events: number; over: boolean; tooBig: boolean; moved: boolean; openSince?: number | undefined } = { payloads: [], events: 0, over: false, tooBig: false, moved: false };
  const parser = createParser({
    maxBufferSize: MAX_PAYLOAD,
    onEvent({ data, event }) {
      state.moved = true;
      state.events += 1;
      if (data.trim() === '[DONE]') state.over = true;
      if (!state.over) state.payloads.push({ text: inOneLine(data), whole: false, event });
    },
    onComment() {
      state.moved = true;
    },
    onError({ type, field, value }) {
      if (type === 'max-buffer-size-exceeded') state.tooBig = true;
      // Older llama.cpp servers tell a failure in a field named `error`.
      if (type === 'unknown-field' && field === 'error') state.payloads.push({ text: value ?? '', whole: false, event: 'error' });
    },
  });

  const feed = (text: string): readonly Payload[] => {
    state.moved = false;
    parser.feed(text);
    if (state.tooBig) throw new FailureError({ kind: 'broken-answer', message: `${host} sent an event of more than ${MAX_PAYLOAD / 1024 / 1024} MiB` });
    if (state.events > MOST_EVENTS) throw new FailureError({ kind: 'broken-answer', message: `${host} sent more than ${MOST_EVENTS} events` });
    if (state.moved || text === '') state.openSince = undefined;
    if (!(state.moved && text.endsWith('\n'))) state.openSince ??= now();
    if (now() - (state.openSince ?? now()) > eventMs) {
      throw new FailureError({ kind: 'silent', phase: 'event', message: `${host} did not finish one event within ${eventMs / 1000} s` });
    }
    const payloads = state.payloads;
    state.payloads = [];
    return payloads;
  };
  return {
    feed,
    // Not every sender closes its last event with an empty line.
    end: () => (state.over ? [] : feed('\n\n')),
    over: () => state.over,
  };
}

/** Of JSON, whose line ends are blanks: it is sent on as one line of data. */
const inOneLine = (data: string): string => (data.includes('\n') ? data.replaceAll('\n', ' ') : data);
