/**
 * Tells other programs when an account dies, recovers or has spent its day. Signed as Standard Webhooks has it; the
 * page for receivers is docs/webhooks.md.
 */
import { createHmac } from 'node:crypto';
import type { Emit, GatewayEvent } from '../types.ts';
import { createAlerts, type Alert } from './alerts.ts';

export interface Endpoint {
  readonly url: string;
  readonly secret: string;
  readonly events: readonly Alert['type'][];
}

export interface Letter {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookOptions {
  readonly endpoints: readonly Endpoint[];
  /** Resolves to the status. Throws where nobody answers. */
  readonly post: (letter: Letter) => Promise<number>;
  readonly now: () => number;
  /** Calls once after so many milliseconds; the returned function takes it back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  readonly random: () => number;
  readonly newId: () => string;
  readonly emit: Emit;
}

export interface Webhooks {
  readonly observe: (event: GatewayEvent) => void;
  /** Gives up what was not delivered, and says so. */
  readonly close: () => void;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** A receiver that is being deployed is back within minutes, one that broke by the morning. Then the news is old. */
const PAUSES_MS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE];
/** Of one endpoint. More accounts than that do not die in a day; the oldest news go first. */
const MOST_QUEUED = 100;

interface Mail {
  readonly id: string;
  readonly body: string;
}

interface Box {
  readonly endpoint: Endpoint;
  readonly queue: Mail[];
  failures: number;
  busy: boolean;
  cancel?: () => void;
}

export function createWebhooks({ endpoints, post, now, after, random, newId, emit }: WebhookOptions): Webhooks {
  const alerts = createAlerts(now);
  const boxes = endpoints.map((endpoint): Box => ({ endpoint, queue: [], failures: 0, busy: false }));
  const warn = ({ endpoint }: Box, message: string): void => emit({ type: 'notice', level: 'warn', message: `the webhook at ${new URL(endpoint.url).host} ${message}` });

  const deliver = async (box: Box): Promise<void> => {
    const [mail] = box.queue;
    if (mail === undefined || box.busy) return;
    box.busy = true;
    const problem = await post(letterOf(box.endpoint, mail, now())).then((status) => (status >= 200 && status < 300 ? undefined : `answered ${status}`), () => 'did not answer');
    box.busy = false;
    const pause = problem === undefined ? undefined : PAUSES_MS[box.failures];
    if (pause !== undefined) {
      box.failures += 1;
      // Half to one and a half of it: several that failed together do not come back together.
      box.cancel = after(pause * (0.5 + random()), () => void deliver(box));
      return;
    }
    if (problem !== undefined) warn(box, `${problem} ${PAUSES_MS.length + 1} times; one message was given up`);
    box.failures = 0;
    // It may have been dropped meanwhile, by newer ones.
    if (box.queue[0] === mail) box.queue.shift();
    void deliver(box);
  };

  return {
    observe(event) {
      const alert = boxes.length === 0 ? undefined : alerts.of(event);
      if (alert === undefined) return;
      const mail = { id: `msg_${newId()}`, body: JSON.stringify(alert) };
      for (const box of boxes) {
        if (!box.endpoint.events.includes(alert.type)) continue;
        box.queue.push(mail);
        if (box.queue.length > MOST_QUEUED) {
          box.queue.shift();
          warn(box, `is ${MOST_QUEUED} messages behind; the oldest was dropped`);
        }
        if (box.failures === 0) void deliver(box);
      }
    },
    close() {
      for (const box of boxes) {
        box.cancel?.();
        const left = box.queue.splice(0).length;
        if (left > 0) warn(box, `was not told everything: ${left} messages were left`);
      }
    },
  };
}

/** The signature covers id, time and body: nothing of it can be changed, and an old one cannot be sent again later. */
function letterOf({ url, secret }: Endpoint, { id, body }: Mail, now: number): Letter {
  const timestamp = String(Math.floor(now / SECOND));
  const signature = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { url, body, headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` } };
}

/** Standard Webhooks writes keys as `whsec_` and base64; any other text is taken as it is. */
const keyOf = (secret: string): Buffer => (secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret));
