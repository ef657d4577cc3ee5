/** Events as listeners hear them: log, live events, record and webhooks alike. */
import { redact } from '../redact.ts';
import type { Attempt, ChatRequest, GatewayEvent } from '../types.ts';

/** Only what may quote others is looked at, and what holds nothing of the kind is told as it is: most events cost nothing here. */
export function redactEvent(event: GatewayEvent): GatewayEvent {
  switch (event.type) {
    case 'request-started': {
      const request = keyless(event.request);
      return request === event.request ? event : { ...event, request };
    }
    case 'attempt-finished': {
      const request = keyless(event.request);
      return request === event.request && isSilent(event.attempt) ? event : { ...event, request, attempt: wordless(event.attempt) };
    }
    case 'request-finished': {
      const { summary } = event;
      const request = keyless(event.request);
      const silent = summary.attempts.every(isSilent);
      return request === event.request && silent ? event : { ...event, request, ...(!silent && { summary: { ...summary, attempts: summary.attempts.map(wordless) } }) };
    }
    case 'request-refused': return { ...event, refusal: { ...event.refusal, path: redact(event.refusal.path) } };
    case 'notice': {
      const { fields } = event;
      return { ...event, message: redact(event.message), ...(fields && { fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value])) }) };
    }
    case 'account-changed': return event;
  }
}

/** Somebody may have pasted a key where the model belongs. */
function keyless(request: ChatRequest): ChatRequest {
  const model = redact(request.model);
  return model === request.model ? request : { ...request, model };
}

const isSilent = ({ message }: Attempt): boolean => message === undefined;

/** A provider's words may quote the prompt, which is for its caller alone. The kind of failure says enough to everybody else. */
function wordless({ message: _words, ...attempt }: Attempt): Attempt {
  return attempt;
}
