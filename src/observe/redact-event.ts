/** Events as listeners hear them: log, live events, record and webhooks alike. */
import { redact } from '../redact.ts';
import type { Attempt, GatewayEvent } from '../types.ts';

/** Only what may quote others is looked at: the names of our own configuration cost nothing here. */
export function redactEvent(event: GatewayEvent): GatewayEvent {
  switch (event.type) {
    case 'notice': {
      const { fields } = event;
      return { ...event, message: redact(event.message), ...(fields && { fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value])) }) };
    }
    case 'attempt-finished': return { ...event, attempt: wordless(event.attempt) };
    case 'request-finished': {
      const { summary } = event;
      return summary.attempts.some(({ message }) => message !== undefined) ? { ...event, summary: { ...summary, attempts: summary.attempts.map(wordless) } } : event;
    }
    case 'request-started':
    case 'request-refused':
    case 'account-changed':
      return event;
  }
}

/** A provider's words may quote the prompt, which is for its caller alone. The kind of failure says enough to everybody else. */
function wordless({ message: _words, ...attempt }: Attempt): Attempt {
  return attempt;
}
