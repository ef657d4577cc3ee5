/** The Prometheus face: counters fed by events, gauges read from the accounts when somebody scrapes. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Account, AccountState, Attempt, Catalogue, GatewayEvent, Unit } from '../types.ts';
import { createCounts, createSpread } from './tallies.ts';

/** What the gauges are read from; the accounts' own view fits. */
export interface AccountGauges {
  readonly account: Account;
  readonly state: AccountState;
  readonly trial?: true;
  readonly windows: readonly { readonly unit: Unit | 'concurrent'; readonly seconds: number; readonly model?: string; readonly limit: number; readonly used: number; readonly resetsAt?: number; readonly emptyAt?: number; readonly source?: string }[];
}

export interface BreakerGauge {
  readonly provider: string;
  readonly model?: string;
  readonly accountId?: string;
  readonly state: 'closed' | 'open' | 'half-open';
}

export interface MetricsOptions {
  readonly version: string;
  readonly nodeVersion: string;
  readonly accounts: () => readonly AccountGauges[];
  readonly breakers: () => readonly BreakerGauge[];
  readonly catalogue: () => Catalogue;
  /** How far off the guesses of a request's tokens are, as a share of what was used, by `provider/model`. */
  readonly estimateErrors: () => ReadonlyMap<string, number>;
  /** Requests in line, by the provider each would rather have. */
  readonly waiting: () => ReadonlyMap<string, number>;
  readonly vaultUnlocked: () => boolean;
}

export interface Metrics {
  readonly contentType: string;
  readonly text: () => Promise<string>;
  readonly observe: (event: GatewayEvent) => void;
}

/** From a cache-warm 100-token answer to the longest anyone waits for. */
const REQUEST_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
/** Our own time: what is above 100 ms is a fault of ours or of the machine's. */
const OVERHEAD_SECONDS = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];
const FIRST_TOKEN_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];
const QUEUE_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60];

const STATES: readonly AccountState[] = ['active', 'resting', 'suspended', 'disabled'];
/** Beside the state an account is in: what it gives for nothing comes to an end. */
const TRIAL = 'trial';

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const requests = createCounts({ name: 'tollfree_requests_total', help: 'Client requests.', labelNames: ['surface', 'route', 'status'], registers });
  const duration = createSpread({ name: 'tollfree_request_duration_seconds', help: 'From the last byte asked to the last byte answered.', labelNames: ['surface', 'stream'], buckets: REQUEST_SECONDS, registers });
  const overhead = createSpread({ name: 'tollfree_overhead_seconds', help: 'Own time of a request: not upstream, not queue.', labelNames: [], buckets: OVERHEAD_SECONDS, registers });
  const firstToken = createSpread({ name: 'tollfree_time_to_first_token_seconds', help: 'From sending upstream to its first content.', labelNames: ['provider', 'model'], buckets: FIRST_TOKEN_SECONDS, registers });
  const attempts = createCounts({ name: 'tollfree_attempts_total', help: 'Calls upstream.', labelNames: ['provider', 'model', 'outcome'], registers });
  const fallbacks = createCounts({ name: 'tollfree_fallbacks_total', help: 'Turns from one provider to another within a request.', labelNames: ['from', 'to', 'reason'], registers });
  const tokens = createCounts({ name: 'tollfree_tokens_total', help: 'Tokens used, as the providers reported them; estimated where one does not.', labelNames: ['provider', 'model', 'direction'], registers });
  const audio = createCounts({ name: 'tollfree_audio_seconds_total', help: 'Length of the recordings that were listened to, as the providers reported it.', labelNames: ['provider', 'model'], registers });
  const cache = createCounts({ name: 'tollfree_cache_total', help: 'Requests answered from the cache (hit), asked in spite of it (miss), or not its business (bypass).', labelNames: ['result'], registers });
  const cost = createCounts({ name: 'tollfree_cost_usd_total', help: 'What answers cost. Absent where nobody knows the price.', labelNames: ['provider', 'model'], registers });
  const saved = createCounts({ name: 'tollfree_saved_usd_total', help: 'What answers would have cost at list price, less what they did. Absent where nobody knows either.', labelNames: ['provider', 'model'], registers });
  const queueWait = createSpread({ name: 'tollfree_queue_wait_seconds', help: 'Time in line of requests that waited.', labelNames: [], buckets: QUEUE_SECONDS, registers });
  const modelLabel = createModelLabel(options.catalogue);
  addGauges(options, modelLabel, registers);

  const finished = ({ request, summary }: GatewayEvent & { type: 'request-finished' }): void => {
    const { attempts: tried, provider, usage } = summary;
    requests.add(1, request.surface, summary.rule ?? 'direct', summary.status);
    duration.observe(summary.totalMs / 1000, request.surface, String(request.stream));
    overhead.observe(summary.overheadMs / 1000);
    cache.add(1, summary.cache ?? 'bypass');
    if (summary.queueMs > 0) queueWait.observe(summary.queueMs / 1000);
    if (tried.length > 1) tellFallbacks(tried);
    if (provider === undefined || summary.model === undefined) return;
    const model = modelLabel(provider, summary.model);
    if (usage) {
      tokens.add(usage.input, provider, model, 'input');
      tokens.add(usage.output, provider, model, 'output');
      if (usage.audioSeconds !== undefined) audio.add(usage.audioSeconds, provider, model);
    }
    // A zero would say that it was free.
    if (summary.costUsd !== undefined) cost.add(summary.costUsd, provider, model);
    if (summary.savedUsd !== undefined) saved.add(summary.savedUsd, provider, model);
  };

  function tellFallbacks(tried: readonly Attempt[]): void {
    const sent = tried.filter((attempt) => attempt.sent);
    for (const [index, { provider, outcome }] of sent.entries()) {
      const next = sent[index + 1];
      if (next !== undefined && next.provider !== provider) fallbacks.add(1, provider, next.provider, outcome);
    }
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observe(event) {
      if (event.type === 'request-finished') finished(event);
      else if (event.type === 'request-refused') {
        if (event.refusal.asked) requests.add(1, 'none', 'none', event.refusal.status);
      } else if (event.type === 'attempt-finished') {
        const { provider, outcome, firstContentAt, startedAt } = event.attempt;
        const model = modelLabel(provider, event.attempt.model);
        attempts.add(1, provider, model, outcome);
        if (firstContentAt !== undefined) firstToken.observe((firstContentAt - startedAt) / 1000, provider, model);
      }
    },
  };
}

/** Clients may name models that no catalogue lists: those are `other`, so that nobody's words become a series. */
const OTHER = 'other';
type ModelLabel = (provider: string, model: string) => string;

function createModelLabel(catalogue: () => Catalogue): ModelLabel {
  const known: { of?: Catalogue; names: ReadonlyMap<string, ReadonlySet<string>> } = { names: new Map() };
  return (provider, model) => {
    const current = catalogue();
    if (known.of !== current) {
      known.of = current;
      known.names = new Map([...current.providers.values()].map(({ name, models }) => [name, new Set(models.map((one) => one.name))]));
    }
    return known.names.get(provider)?.has(model) === true ? model : OTHER;
  };
}

/** Read when somebody scrapes, not kept up to date in between. */
function addGauges({ version, nodeVersion, accounts, breakers, estimateErrors, waiting, vaultUnlocked }: MetricsOptions, modelLabel: ModelLabel, registers: Registry[]): void {
  const windowLabels = ['provider', 'account', 'model', 'window'] as const;
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[], collect: (gauge: Gauge<Label>) => void): Gauge<Label> =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        collect(this);
      },
    });

  const eachWindow = (call: (labels: Record<(typeof windowLabels)[number], string>, window: AccountGauges['windows'][number]) => void): void => {
    for (const { account, windows } of accounts()) {
      for (const window of windows) {
        const model = window.model === undefined ? '' : modelLabel(account.provider, window.model);
        // Of models that no catalogue lists there may be any number, and as one series each would hide the others.
        if (model !== OTHER) call({ provider: account.provider, account: account.label, model, window: windowName(window.unit, window.seconds) }, window);
      }
    }
  };
  gauge('tollfree_quota_limit', 'Limit of a window as known now.', windowLabels, (limits) => eachWindow((labels, { limit }) => limits.set(labels, limit)));
  gauge('tollfree_quota_remaining', 'Left in a window now.', windowLabels, (remaining) => eachWindow((labels, { limit, used }) => remaining.set(labels, Math.max(0, limit - used))));
  gauge('tollfree_quota_reset_timestamp_seconds', 'When a window will be whole again.', windowLabels, (resets) =>
    eachWindow((labels, { resetsAt }) => {
      if (resetsAt !== undefined) resets.set(labels, resetsAt / 1000);
    }));
  gauge('tollfree_quota_source', '1 for where a window\'s limit is known from: configured, header, refusal, endpoint.', [...windowLabels, 'source'], (sources) =>
    eachWindow((labels, { source }) => {
      if (source !== undefined) sources.set({ ...labels, source }, 1);
    }));
  gauge('tollfree_quota_empty_timestamp_seconds', 'When a window will be used up at the pace of the last hour; absent where it lasts.', windowLabels, (empty) =>
    eachWindow((labels, { emptyAt }) => {
      if (emptyAt !== undefined) empty.set(labels, emptyAt / 1000);
    }));
  gauge('tollfree_estimate_error_ratio', 'How far off the guesses of a request\'s tokens are, as a share of what was used.', ['provider', 'model'], (errors) => {
    for (const [target, error] of estimateErrors()) {
      const [provider = '', ...rest] = target.split('/');
      const model = modelLabel(provider, rest.join('/'));
      if (model !== OTHER) errors.set({ provider, model }, error);
    }
  });
  gauge('tollfree_account_state', '1 for the state an account is in.', ['provider', 'account', 'state'], (states) => {
    for (const { account, state, trial } of accounts()) {
      for (const name of STATES) states.set({ provider: account.provider, account: account.label, state: name }, name === state ? 1 : 0);
      states.set({ provider: account.provider, account: account.label, state: TRIAL }, trial === true ? 1 : 0);
    }
  });
  gauge('tollfree_breaker_open', '1 while a model at a provider, an account there or a provider is left out because it fails; half while a probe may try it.', ['provider', 'model', 'account'], (open) => {
    const labels = new Map(accounts().map(({ account }) => [account.id, account.label]));
    for (const { provider, model, accountId, state } of breakers()) {
      open.set({ provider, model: model === undefined ? '' : modelLabel(provider, model), account: labels.get(accountId ?? '') ?? '' }, { closed: 0, 'half-open': 0.5, open: 1 }[state]);
    }
  });
  gauge('tollfree_queue_depth', 'Requests waiting in line, each at the provider it would rather have.', ['provider'], (depth) => {
    const sizes = waiting();
    for (const provider of new Set(accounts().map(({ account }) => account.provider))) depth.set({ provider }, 0);
    for (const [provider, size] of sizes) depth.set({ provider }, size);
  });
  gauge('tollfree_vault_unlocked', '1 while the vault is unlocked.', [], (unlocked) => unlocked.set(vaultUnlocked() ? 1 : 0));
  gauge('tollfree_build_info', 'Always 1; the version is a label.', ['version', 'node'], (info) => info.set({ version, node: nodeVersion }, 1));
}

const LENGTHS: Readonly<Record<number, string>> = { 1: 'second', 60: 'minute', 3_600: 'hour', 86_400: 'day', 2_592_000: 'month' };

function windowName(unit: string, seconds: number): string {
  return unit === 'concurrent' ? unit : `${unit}_${LENGTHS[seconds] ?? `${seconds}s`}`;
}
