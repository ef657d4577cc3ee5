/** Finished requests, as the gateway tells them. */
import type { Attempt, ChatRequest, GatewayEvent, RequestSummary } from '../../src/types.ts';

type Finished = Extract<GatewayEvent, { type: 'request-finished' }>;

export interface Told extends Partial<RequestSummary> {
  readonly id?: string;
  readonly at?: number;
  readonly key?: string;
  readonly keyId?: string | undefined;
  readonly project?: string;
}

export const AT = Date.UTC(2026, 7, 3, 12);

export const attempt = (more: Partial<Attempt> = {}): Attempt => ({ provider: 'groq', account: 'work', model: 'gpt', outcome: 'ok', sent: true, startedAt: AT, endedAt: AT + 100, ...more });

export function finished({ id = 'req_1', at = AT, key = 'ci', keyId, project = 'web', ...summary }: Told = {}): Finished {
  const request: ChatRequest = {
    id, surface: 'chat', model: 'auto', stream: false, body: {}, text: { last: 'a secret prompt', earlier: [], system: '' }, needs: [], promptTokens: 1,
    caller: { key, project, ...(keyId !== undefined && { id: keyId }) }, receivedAt: at, deadline: at + 1, priority: 5,
  };
  const told = { status: 200, words: [], attempts: [attempt({ startedAt: at, endedAt: at + 100 })], queueMs: 0, totalMs: 100, overheadMs: 1, ...summary };
  return { type: 'request-finished', request, summary: summary.failure === undefined ? { provider: 'groq', account: 'work', model: 'gpt', ...told } : told };
}
