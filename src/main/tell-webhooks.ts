/** Webhooks go the one way out that everything goes: checked destinations, no redirect followed. */
import { randomUUID } from 'node:crypto';
import { createWebhooks } from '../observe/webhooks.ts';
import type { WebhookOptions } from '../observe/webhooks.ts';
import type { Http } from '../providers/call.ts';
import type { Base } from './base.ts';
import type { Cleanup } from './cleanup.ts';

/** A receiver that needs longer should answer first and work afterwards. */
const PATIENCE_MS = 10_000;

export function tellWebhooks({ settings, now, emit, listen }: Base, http: Http, after: WebhookOptions['after'], cleanup: Cleanup): void {
  const webhooks = createWebhooks({
    endpoints: settings.webhooks,
    async post({ url, headers, body }) {
      const answer = await http.call({ method: 'POST', url, headers, body }, { origin: new URL(url).origin, stallMs: PATIENCE_MS }, AbortSignal.timeout(PATIENCE_MS));
      answer.drain();
      return answer.status;
    },
    now,
    after,
    random: Math.random,
    newId: randomUUID,
    emit,
  });
  listen(webhooks.observe);
  cleanup.add(() => webhooks.close());
}
