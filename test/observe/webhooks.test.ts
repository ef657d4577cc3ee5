/** Webhooks in virtual time: what is told, how it is signed, and what happens when nobody listens. */
import { describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { createWebhooks, type Letter, type Webhooks } from '../../src/observe/webhooks.ts';
import type { Account, AccountState, GatewayEvent } from '../../src/types.ts';
import { createTime, type Time } from '../accounts/time.ts';

const SECRET = 'a secret that signs the calls';
const account: Account = { id: 'a1', provider: 'groq', label: 'work', enabled: true, origin: 'https://api.groq.com' };
const changed = (state: AccountState, reason: string, until?: number, id = 'a1'): GatewayEvent => ({ type: 'account-changed', account: { ...account, id }, state, reason, ...(until !== undefined && { until }) });

interface Desk {
  readonly webhooks: Webhooks;
  readonly letters: Letter[];
  readonly notices: string[];
  readonly time: Time;
  /** What the receiver answers from now on; 0: nothing at all. */
  status: number;
}

function createDesk(events: readonly ('account.died' | 'account.recovered' | 'account.spent')[] = ['account.died', 'account.recovered', 'account.spent'], secret = SECRET): Desk {
  const time = createTime();
  const letters: Letter[] = [];
  const notices: string[] = [];
  const ids = { last: 0 };
  const desk: Desk = { time, letters, notices, status: 200, webhooks: undefined as never };
  const webhooks = createWebhooks({
    endpoints: [{ url: 'https://example.com/hook?token=path-secret', secret, events }],
    post: (letter) => {
      letters.push(letter);
      return desk.status === 0 ? Promise.reject(new Error('refused')) : Promise.resolve(desk.status);
    },
    now: time.now,
    after: time.after,
    random: () => 0.5,
    newId: () => String((ids.last += 1)),
    emit: (event) => event.type === 'notice' && notices.push(event.message),
  });
  return Object.assign(desk, { webhooks });
}

const typesOf = ({ letters }: Desk): readonly string[] => letters.map(({ body }) => (JSON.parse(body) as { type: string }).type);

describe('what is told', () => {
  test('an account that dies, recovers, has spent its day: once each, and nothing else', async () => {
    const desk = createDesk();
    const { webhooks, time } = desk;
    const events: readonly GatewayEvent[] = [
      changed('resting', 'credential', 1), changed('active', 'credential'), changed('resting', 'rate-minute', 1),
      changed('suspended', 'suspended'), changed('suspended', 'suspended'), changed('active', 'suspended'),
      changed('resting', 'rate-day', time.now() + 1), changed('resting', 'rate-day', time.now() + 2), changed('resting', 'day-spent', 3, 'another'),
      { type: 'notice', level: 'error', message: 'no' },
    ];
    for (const event of events) webhooks.observe(event);
    await time.settle();
    expect(typesOf(desk)).toEqual(['account.died', 'account.recovered', 'account.spent', 'account.spent']);
    expect(JSON.parse(desk.letters[2]?.body ?? '')).toEqual({ type: 'account.spent', timestamp: new Date(time.now()).toISOString(), data: { account: 'a1', provider: 'groq', label: 'work', state: 'resting', reason: 'rate-day', until: new Date(time.now() + 1).toISOString() } });
    time.skip(24 * 3_600_000);
    webhooks.observe(changed('resting', 'rate-day', time.now() + 1));
    await time.settle();
    expect(typesOf(desk).at(-1)).toBe('account.spent');
    expect(desk.letters).toHaveLength(5);
  });

  test('only what the endpoint asked for', async () => {
    const desk = createDesk(['account.died']);
    desk.webhooks.observe(changed('resting', 'rate-day'));
    desk.webhooks.observe(changed('suspended', 'suspended'));
    await desk.time.settle();
    expect(typesOf(desk)).toEqual(['account.died']);
  });
});

describe('the signature', () => {
  test.each([['as text', SECRET, Buffer.from(SECRET)], ['as Standard Webhooks writes it', `whsec_${Buffer.from('thirty-two bytes').toString('base64')}`, Buffer.from('thirty-two bytes')]])('covers id, time and body, by a secret %s', async (_name, secret, key) => {
    const desk = createDesk(undefined, secret);
    desk.webhooks.observe(changed('suspended', 'suspended'));
    await desk.time.settle();
    const [{ headers, body } = { headers: {}, body: '' }] = desk.letters;
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers as Record<string, string>;
    expect(timestamp).toBe(String(Math.floor(desk.time.now() / 1000)));
    expect(signature).toBe(`v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
    expect(JSON.stringify(desk.letters)).not.toContain(secret);
  });
});

describe('nobody answers', () => {
  test('it is tried again, ever later, as the same message with a fresh time; then given up and told without the address', async () => {
    const desk = createDesk();
    desk.status = 0;
    desk.webhooks.observe(changed('suspended', 'suspended'));
    await desk.time.settle();
    expect(desk.letters).toHaveLength(1);
    await desk.time.advance(4_999);
    expect(desk.letters).toHaveLength(1);
    await desk.time.advance(1);
    expect(desk.letters).toHaveLength(2);
    desk.status = 302;
    await desk.time.advance(48 * 3_600_000);
    expect(desk.letters).toHaveLength(7);
    expect(new Set(desk.letters.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(desk.letters.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(7);
    expect(desk.notices).toEqual(['the webhook at example.com answered 302 7 times; one message was given up']);
  });

  test('what comes meanwhile waits in order, and arrives when somebody answers again', async () => {
    const desk = createDesk();
    desk.status = 500;
    desk.webhooks.observe(changed('suspended', 'suspended'));
    await desk.time.settle();
    desk.webhooks.observe(changed('active', 'suspended'));
    await desk.time.settle();
    expect(typesOf(desk)).toEqual(['account.died']);
    desk.status = 204;
    await desk.time.advance(10_000);
    expect(typesOf(desk)).toEqual(['account.died', 'account.died', 'account.recovered']);
  });

  test('the queue is bounded, and what is left at the end is told', async () => {
    const desk = createDesk();
    desk.status = 500;
    for (let number = 0; number < 150; number += 1) desk.webhooks.observe(changed('suspended', 'suspended', undefined, `a${number}`));
    await desk.time.settle();
    expect(desk.notices).toHaveLength(50);
    desk.webhooks.close();
    expect(desk.notices.at(-1)).toBe('the webhook at example.com was not told everything: 100 messages were left');
    await desk.time.advance(48 * 3_600_000);
    expect(desk.letters).toHaveLength(1);
    expect(JSON.stringify(desk.notices)).not.toContain('path-secret');
  });
});
