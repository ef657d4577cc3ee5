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
    case 'attempt-finished': return { ...event, attempt: redactAttempt(event.attempt) };
    case 'request-finished': {
      const { summary } = event;
      return summary.attempts.some(({ message }) => message !== undefined) ? { ...event, summary: { ...summary, attempts: summary.attempts.map(redactAttempt) } } : event;
    }
    case 'request-started':
    case 'request-refused':
    case 'account-changed':
      return event;
  }
}

const redactAttempt = (attempt: Attempt): Attempt => (attempt.message === undefined ? attempt : { ...attempt, message: redact(attempt.message) });
