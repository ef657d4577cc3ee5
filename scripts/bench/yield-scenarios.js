/** What is measured: how upstream counts, what the configuration believes, and who asks. */
import { readLimits } from '../../dist/sim/limits.js';
import { wires } from './yield-upstream.js';

const windowOf = (unit, limit, seconds, kind) => ({ unit, limit, seconds, kind });
const rpm = (limit, kind) => windowOf('requests', limit, 60, kind);
const rph = (limit, kind) => windowOf('requests', limit, 3600, kind);
const rpd = (limit, kind) => windowOf('requests', limit, 86_400, kind);
const tpm = (limit, kind) => windowOf('tokens', limit, 60, kind);

/** Models the simulators serve and count. */
const modelsOf = (name) => wires[name].models.filter((model) => model.refusal === undefined && model.embeddings !== true && wires[name].metered(model)).map(({ id }) => id);

/** A provider as it is (`truth`), and as the configuration has it (`belief`, the same unless told). */
const at = (name, truth, { belief = truth, accounts = 1, organizations, models = 1, together = false } = {}) => ({ name, truth, belief, accounts, organizations, models, together });

const NOTHING = { windows: [] };
const only = (...windows) => ({ windows });

function providerOf({ name, belief, models, together, organizations }) {
  const none = together ? NOTHING : belief;
  return {
    name, title: name, status: 'active', baseUrl: `https://${name}.test`, dialect: 'openai', priority: 1, quotaScope: organizations === undefined ? 'account' : 'organization',
    limits: together ? belief : NOTHING, omit: [], rename: {}, headers: {},
    models: modelsOf(name).slice(0, models).map((model) => ({ name: model, aliases: [], capabilities: ['text_generation'], context: 32_768, limits: none, price: { input: 0, output: 0 } })),
  };
}

const accountsOf = ({ name, accounts, organizations }) => Array.from({ length: accounts }, (_, index) => ({
  id: `${name}-${index}`, provider: name, label: `${index}`, enabled: true, origin: `https://${name}.test`,
  ...(organizations !== undefined && { organization: `${name}-org-${index % organizations}` }),
}));

function limitsOf(places) {
  const limits = { ...readLimits({}) };
  for (const { name, truth, organizations, together } of places) {
    limits[name] = { ...limits[name], quota: truth, byModel: new Map(), scope: organizations === undefined ? 'account' : 'organization', models: together ? 'together' : 'each' };
  }
  return limits;
}

/** Everything a run is made of. */
export function sceneOf({ places }) {
  const providers = places.map(providerOf);
  const accounts = places.flatMap(accountsOf);
  const options = providers.flatMap((provider) => provider.models.flatMap((model) => accounts.filter((account) => account.provider === provider.name).map((account) => ({ target: { provider, model }, account }))));
  return { providers, accounts, options, limits: limitsOf(places) };
}

const closed = (clients, rest = {}) => ({ clients, patienceMs: 120_000, ...rest });
const open = (perMinute, rest = {}) => ({ perMinute, patienceMs: 30_000, ...rest });

const GROQ = only(rpm(30, 'refill'), tpm(8000, 'refill'), rpd(14_400, 'refill'));
const CEREBRAS = only(rpm(30, 'calendar'), tpm(30_000, 'calendar'), rph(900, 'calendar'));
const OPENROUTER = only(rpm(20, 'calendar'), rpd(1000, 'calendar'));
const SPENT = only(rpm(20, 'calendar'), rpd(300, 'calendar'));
const ROLLING = only(rpm(30, 'rolling'));
const WRONG = (limit, kind) => only(rpm(limit, kind));

/** `known`: nothing may be refused. `learns`: how many refusals learning may cost, one a pool and window. `packs`: what goes where decides how much comes of it, so it is also told how much more does without the order of the line. */
export const scenarios = [
  { group: 'limits known', known: true },
  { name: 'rolling minute', places: [at('groq', ROLLING)], load: closed(20) },
  { name: 'refilling minute', places: [at('groq', only(rpm(30, 'refill')))], load: closed(20) },
  { name: 'calendar minute', places: [at('openrouter', WRONG(20, 'calendar'))], load: closed(20) },
  { name: 'rolling hour', places: [at('groq', only(rpm(30, 'rolling'), rph(300, 'rolling')))], load: closed(20), minutes: 200 },
  { name: 'a calendar day that ends', places: [at('openrouter', SPENT, { together: true, models: 2 })], load: closed(5), minutes: 1000 },
  { name: 'four at the same time', places: [at('groq', { windows: [rpm(600, 'rolling')], concurrent: 4 })], load: closed(20), minutes: 30 },
  { name: 'tokens, mixed sizes, refill', places: [at('groq', only(rpm(60, 'refill'), tpm(8000, 'refill')))], load: closed(20, { sizes: 'mixed', patienceMs: 300_000 }) },
  { name: 'tokens, mixed sizes, calendar', places: [at('cerebras', only(rpm(60, 'calendar'), tpm(30_000, 'calendar')))], load: closed(20, { sizes: 'mixed', patienceMs: 300_000 }) },
  { name: 'four accounts, two models', places: [at('groq', ROLLING, { accounts: 4, models: 2 })], load: closed(60) },
  { name: 'four accounts in two organisations', places: [at('groq', ROLLING, { accounts: 4, organizations: 2, models: 2 })], load: closed(40) },
  { name: 'models that share', places: [at('openrouter', ROLLING, { accounts: 2, models: 2, together: true })], load: closed(20) },
  { name: 'three providers, mixed', places: [at('groq', GROQ, { accounts: 2, models: 2 }), at('cerebras', CEREBRAS, { accounts: 2 }), at('openrouter', OPENROUTER, { accounts: 2, together: true })], load: closed(60, { sizes: 'mixed', patienceMs: 300_000 }), packs: true },
  { name: 'open, 90 % of it', places: [at('groq', ROLLING, { accounts: 3 })], load: open(81) },
  { name: 'open, twice as much', places: [at('groq', ROLLING, { accounts: 3 })], load: open(180) },
  { name: 'half a second of patience: rolling', places: [at('groq', ROLLING, { accounts: 2 })], load: open(120, { patienceMs: 500 }) },
  { name: 'half a second of patience: refill', places: [at('groq', only(rpm(30, 'refill')), { accounts: 2 })], load: open(120, { patienceMs: 500 }) },
  { name: 'half a second of patience: calendar', places: [at('openrouter', OPENROUTER, { accounts: 2, together: true })], load: open(120, { patienceMs: 500 }) },
  { name: 'jitter of 400 ms', places: [at('groq', ROLLING)], load: closed(20), jitter: [5, 405], learns: 1 },
  { name: 'one in twenty fails', places: [at('groq', ROLLING, { accounts: 2 }), at('cerebras', WRONG(30, 'calendar'))], load: closed(30), failures: 0.05 },
  { name: 'one in a hundred stalls', places: [at('groq', ROLLING, { accounts: 2 }), at('cerebras', WRONG(30, 'calendar'))], load: closed(30), stalls: 0.01 },
  { group: 'limits unknown', learns: 1, minutes: 60.5 },
  { name: 'rolling minute, two pools', places: [at('groq', ROLLING, { belief: NOTHING, accounts: 2 })], load: closed(20), pools: 2 },
  { name: 'refilling minute', places: [at('groq', only(rpm(30, 'refill')), { belief: NOTHING })], load: closed(20) },
  { name: 'calendar minute, a header in refusals only', places: [at('openrouter', WRONG(20, 'calendar'), { belief: NOTHING, together: true })], load: closed(20) },
  { name: 'headers tell everything', places: [at('cerebras', CEREBRAS, { belief: NOTHING, accounts: 2 })], load: closed(20), pools: 2 },
  { name: 'tokens, mixed sizes', places: [at('groq', only(rpm(60, 'refill'), tpm(8000, 'refill')), { belief: NOTHING })], load: closed(20, { sizes: 'mixed', patienceMs: 300_000 }) },
  { name: 'open, half of it', places: [at('groq', ROLLING, { belief: NOTHING, accounts: 2 })], load: open(30), pools: 2 },
  { group: 'limits wrong', learns: 1, minutes: 60.5 },
  { name: 'too low, headers tell', places: [at('cerebras', CEREBRAS, { belief: only(rpm(10, 'calendar'), tpm(10_000, 'calendar')) })], load: closed(20) },
  { name: 'three times too high', places: [at('groq', ROLLING, { belief: WRONG(90, 'rolling') })], load: closed(20) },
  { name: 'three times too high, two pools', places: [at('openrouter', WRONG(20, 'calendar'), { belief: WRONG(60, 'calendar'), accounts: 2, together: true })], load: closed(20), pools: 2 },
  { name: 'tokens three times too high', places: [at('groq', only(rpm(60, 'refill'), tpm(8000, 'refill')), { belief: only(rpm(60, 'refill'), tpm(24_000, 'refill')) })], load: closed(20, { sizes: 'mixed', patienceMs: 300_000 }) },
  { name: 'an hour three times too high', places: [at('groq', only(rpm(30, 'rolling'), rph(300, 'rolling')), { belief: only(rpm(30, 'rolling'), rph(900, 'rolling')) })], load: closed(20), minutes: 200 },
  { name: 'a day three times too high', places: [at('openrouter', SPENT, { belief: only(rpm(20, 'calendar'), rpd(900, 'calendar')), together: true })], load: closed(20), minutes: 100 },
  { name: 'a calendar believed, sliding in truth', places: [at('groq', ROLLING, { belief: WRONG(30, 'calendar') })], load: closed(20) },
  { name: 'sliding believed, a calendar in truth', places: [at('openrouter', WRONG(20, 'calendar'), { belief: WRONG(20, 'rolling') })], load: closed(20) },
];
