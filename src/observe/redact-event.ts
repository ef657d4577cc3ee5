/** Events as listeners hear them: log, live events, record and webhooks alike. */
import { redact } from '../redact.ts';
import type { Attempt, ChatRequest, GatewayEvent } from '../types.ts';

/** Only what may quote others is looked at: the names of our own configuration cost nothing here. */
export function redactEvent(event: GatewayEvent): GatewayEvent {
  switch (event.type) {
    case 'request-started': return { ...event, request: keyless(event.request) };
    case 'attempt-finished': return { ...event, request: keyless(event.request), attempt: wordless(event.attempt) };
    case 'request-finished': {
      const { summary } = event;
      const silent = summary.attempts.every(({ message }) => message === undefined);
      return { ...event, request: keyless(event.request), ...(!silent && { summary: { ...summary, attempts: summary.attempts.map(wordless) } }) };
    }
    case 'request-refused': return { ...event, surface: redact(event.surface) };
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

/** A provider's words may quote the prompt, which is for its caller alone. The kind of failure says enough to everybody else. */
function wordless({ message: _words, ...attempt }: Attempt): Attempt {
  return attempt;
}
