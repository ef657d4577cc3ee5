/** The promises about `/metrics`: every name and label, and no word of a client's in either. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { Account } from '../../src/types.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state = {} as { system: System; text: string };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['one'], cerebras: ['one'] } });
  const { system } = state;
  await system.simulators.misbehave({ provider: 'groq', fault: { kind: 'refusal', name: 'server-error' } });
  await system.chat(hello('write a python function')).then((answer) => answer.text());
  await system.simulators.behave();
  await system.chat({ ...hello(), model: 'groq/not-in-any-catalogue-swordfish' }).then((answer) => answer.text());
  await system.chat({ ...hello(), model: 'swordfish' }).then((answer) => answer.text());
  await fetch(`${system.url}/v1/swordfish`, { method: 'POST' });
  state.text = await (await fetch(`${system.url}/metrics`)).text();
});
afterAll(() => state.system.close());

/** Label names by metric, as some sample carries them. */
const labelsOf = (name: string): readonly (readonly string[])[] =>
  [...state.text.matchAll(new RegExp(`^${name}(?:_bucket)?(?:\\{(.*)\\})? `, 'gm'))].map(([, labels = '']) => [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le').sort());

describe('metrics', () => {
  test.each<[string, readonly string[]]>([
    ['tollfree_requests_total', ['route', 'status', 'surface']],
    ['tollfree_request_duration_seconds', ['stream', 'surface']],
    ['tollfree_overhead_seconds', []],
    ['tollfree_time_to_first_token_seconds', ['model', 'provider']],
    ['tollfree_attempts_total', ['model', 'outcome', 'provider']],
    ['tollfree_fallbacks_total', ['from', 'reason', 'to']],
    ['tollfree_tokens_total', ['direction', 'model', 'provider']],
    ['tollfree_cost_usd_total', ['model', 'provider']],
    ['tollfree_saved_usd_total', ['model', 'provider']],
    ['tollfree_quota_limit', ['account', 'model', 'provider', 'window']],
    ['tollfree_quota_remaining', ['account', 'model', 'provider', 'window']],
    ['tollfree_quota_reset_timestamp_seconds', ['account', 'model', 'provider', 'window']],
    ['tollfree_quota_source', ['account', 'model', 'provider', 'source', 'window']],
    ['tollfree_account_state', ['account', 'provider', 'state']],
    ['tollfree_breaker_open', ['account', 'model', 'provider']],
    ['tollfree_queue_depth', ['provider']],
    ['tollfree_queue_wait_seconds', []],
    ['tollfree_cache_total', ['result']],
    ['tollfree_vault_unlocked', []],
    ['tollfree_build_info', ['node', 'version']],
    ['process_resident_memory_bytes', []],
  ])('%s has the labels %j', (name, labels) => {
    expect(labelsOf(name)).toContainEqual(labels);
  });

  test('no word of a client becomes a label', () => {
    expect(state.text).not.toContain('swordfish');
  });

  test('a window’s limit is told as soon as what is left of it', () => {
    expect(labelsOf('tollfree_quota_limit')).toHaveLength(labelsOf('tollfree_quota_remaining').length);
  });

  test('docs/dashboard.md says of each what it says itself', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'dashboard.md'), 'utf8');
    const documented = [...page.matchAll(/^\| `(tollfree_\w+)` \| (.*) \|$/gm)].map(([, name, help]) => [name, help]);
    expect(documented).toEqual([...state.text.matchAll(/^# HELP (tollfree_\w+) (.*)$/gm)].map(([, name, help]) => [name, help]));
  });

  test('an account is in exactly one state', () => {
    const values = [...state.text.matchAll(/^tollfree_account_state\{provider="groq".*state="(\w+)"\} (\d)$/gm)];
    expect(values.map(([, name]) => name)).toEqual(expect.arrayContaining(['active', 'resting', 'suspended', 'disabled']));
    expect(values.reduce((sum, [, , value]) => sum + Number(value), 0)).toBe(1);
  });
});

test('seconds of sound are a window like any other, with when it is whole, when it is empty and where it is known from', async () => {
  const account: Account = { id: 'a', provider: 'groq', label: 'one', enabled: true, origin: 'https://api.groq.com' };
  const metrics = createMetrics({
    version: '0', nodeVersion: 'v0',
    accounts: () => [{ account, state: 'active', windows: [{ unit: 'audio_seconds', seconds: 3600, limit: 7200, used: 600, resetsAt: 1_773_144_000_000, emptyAt: 1_773_143_000_500, source: 'header' }] }],
    breakers: () => [],
    catalogue: () => ({ providers: new Map() }),
    estimateErrors: () => new Map(),
    waiting: () => new Map(),
    vaultUnlocked: () => true,
  });
  const told = [...(await metrics.text()).matchAll(/^tollfree_quota_(\w+)\{provider="groq",account="one",model="",window="audio_seconds_hour"(.*)\} (.*)$/gm)].map(([, name, more, value]) => [name, more, value]);
  expect(told).toEqual([
    ['limit', '', '7200'],
    ['remaining', '', '6600'],
    ['reset_timestamp_seconds', '', '1773144000'],
    ['source', ',source="header"', '1'],
    ['empty_timestamp_seconds', '', '1773143000.5'],
  ]);
});

test('windows and breakers of models that no catalogue lists are no series of their own', async () => {
  const window = { unit: 'requests', seconds: 60, limit: 30, used: 1 } as const;
  const account: Account = { id: 'a', provider: 'groq', label: 'one', enabled: true, origin: 'https://api.groq.com' };
  const metrics = createMetrics({
    version: '0', nodeVersion: 'v0',
    accounts: () => [{ account, state: 'active', windows: [window, { ...window, model: 'swordfish-1' }, { ...window, model: 'swordfish-2' }] }],
    breakers: () => [{ provider: 'groq', model: 'swordfish-1', state: 'open' }],
    catalogue: () => ({ providers: new Map() }),
    estimateErrors: () => new Map([['groq/swordfish-1', 0.1]]),
    waiting: () => new Map([['groq', 3]]),
    vaultUnlocked: () => true,
  });
  const text = await metrics.text();
  expect(text).not.toContain('swordfish');
  expect(text.match(/^tollfree_quota_limit\{.*$/gm)).toEqual(['tollfree_quota_limit{provider="groq",account="one",model="",window="requests_minute"} 30']);
  expect(text).toContain('tollfree_queue_depth{provider="groq"} 3');
});
