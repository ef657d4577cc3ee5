/** What the accounts can still do today, from the daemon's windows and, where nothing was counted yet, the catalogue's limits. */
const DAY = 86_400;

const own = (windows, model) => windows.filter((window) => window.model === model);

/** Windows in the catalogue's words, unused. */
const unused = (limits, model) => [
  ...limits.windows.map(({ unit, limit, seconds }) => ({ unit, limit, seconds, model, used: 0 })),
  ...(limits.concurrent === undefined ? [] : [{ unit: 'concurrent', seconds: 0, limit: limits.concurrent, model, used: 0 }]),
];

const known = (counted, limits, model) => (counted.length > 0 ? counted : unused(limits, model));

/** One entry a provider that has accounts: `{ name, title, accounts: [{ …account, pool windows, models }] }`. */
export function picture(accounts, providers) {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  const groups = new Map();
  for (const account of accounts) {
    const provider = byName.get(account.provider) ?? { name: account.provider, title: account.provider, limits: { windows: [] }, models: [] };
    const group = groups.get(provider.name) ?? { name: provider.name, title: provider.title, accounts: [] };
    const names = [...new Set([...provider.models.map(({ name }) => name), ...account.windows.flatMap(({ model }) => model ?? [])])];
    const models = names.map((name) => {
      const counted = own(account.windows, name);
      const limits = provider.models.find((model) => model.name === name)?.limits ?? { windows: [] };
      return { name, counted: counted.some(({ used }) => used > 0), windows: known(counted, limits, name) };
    });
    group.accounts.push({ ...account, shared: known(own(account.windows, undefined), provider.limits), models });
    groups.set(provider.name, group);
  }
  return [...groups.values()];
}

const ofDay = (windows) => windows.filter(({ unit, seconds }) => unit === 'requests' && seconds === DAY);
const add = (windows) => windows.reduce((sum, { limit, used }) => ({ limit: sum.limit + limit, used: sum.used + Math.min(used, limit) }), { limit: 0, used: 0 });

/** Requests a day of one account: its pool's window, else its models' together. Undefined where nobody counts days. */
export function dayOf({ shared, models }) {
  const together = ofDay(shared);
  const apart = models.flatMap(({ windows }) => ofDay(windows));
  if (together.length === 0 && apart.length === 0) return undefined;
  return add(together.length > 0 ? together : apart);
}

const serves = ({ state }) => state !== 'disabled' && state !== 'suspended';

/** `[{ name, title, limit, used }]`, each pool counted once, accounts that may not serve left out. */
export function today(groups) {
  return groups.map(({ name, title, accounts }) => {
    const pools = new Map(accounts.filter(serves).map((account) => [account.pool, account]));
    return { name, title, ...add([...pools.values()].flatMap((account) => dayOf(account) ?? [])) };
  });
}

/** The first window that runs out at the pace of the last hour, before its reset. Who may not serve has no pace. */
export function firstEmpty(accounts) {
  const soon = accounts.filter(serves).flatMap(({ provider, label, windows }) => windows.filter(({ empty_at: empty }) => empty !== undefined).map((window) => ({ provider, label, ...window })));
  return soon.sort((left, right) => Date.parse(left.empty_at) - Date.parse(right.empty_at))[0];
}
