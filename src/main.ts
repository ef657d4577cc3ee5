/** Start and stop: everything is made here, passed in, and taken down in the opposite order. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccounts } from './accounts/accounts.ts';
import type { Accounts, KeptAccounts } from './accounts/accounts.ts';
import { textOf } from './accounts/journal.ts';
import { createApp } from './app.ts';
import type { Gateway } from './gateway.ts';
import { createTurnStore } from './cache/turns.ts';
import type { Settings } from './config/settings.ts';
import { createActivity } from './http/activity.ts';
import { createAdminDoor } from './http/admin-door.ts';
import { createEvents } from './http/events.ts';
import { createLoad } from './http/load.ts';
import type { LoadOptions } from './http/load.ts';
import { createLiveRequests } from './http/stream.ts';
import { isLoopback } from './loopback.ts';
import { createAccountDesk } from './main/account-desk.ts';
import { adminToken } from './main/admin-token.ts';
import { openDoor } from './main/admittance.ts';
import { openBase } from './main/base.ts';
import type { Base, BaseOptions } from './main/base.ts';
import { createCleanup } from './main/cleanup.ts';
import type { Cleanup } from './main/cleanup.ts';
import { after } from './main/clock.ts';
import { createEngine, providersOf } from './main/engine.ts';
import { portFrom } from './main/environment.ts';
import { followFiles } from './main/knowledge.ts';
import type { Knowledge } from './main/knowledge.ts';
import { tellForecasts } from './main/forecast.ts';
import { createKeyWatch } from './main/key-watch.ts';
import { listen } from './main/listen.ts';
import { openDaemonVault } from './main/open-vault.ts';
import type { DaemonVault } from './main/open-vault.ts';
import { createProblems } from './main/problems.ts';
import { tellTraces } from './main/tell-traces.ts';
import { tellWebhooks } from './main/tell-webhooks.ts';
import { createMetrics } from './observe/metrics.ts';
import { createHttp } from './providers/call.ts';
import { createJournal } from './usage/journal.ts';
import { createRecord } from './usage/record.ts';
import type { Account } from './types.ts';
import { given } from './variables.ts';
import { keepOutOfCoreDumps } from './vault/hardening.ts';
import type { Owner, OwnerOptions } from './workers/owner.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

export interface DaemonOptions extends BaseOptions {
  /** Outrank the environment, which outranks the settings. */
  readonly host?: string;
  readonly port?: number;
  /** Asks for the vault's passphrase, hidden; given where there is a terminal. */
  readonly prompt?: () => Promise<string | undefined>;
  /** When this process counts as overloaded. */
  readonly load?: Omit<LoadOptions, 'underWay'>;
}

export interface Daemon {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, lets what runs finish, writes everything down. */
  readonly stop: () => Promise<void>;
}

/** Throws ConfigError for a wrong file, VaultError for a vault that does not open or a directory another daemon serves. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const cleanup = createCleanup();
  try {
    return await start(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function start(options: DaemonOptions, cleanup: Cleanup): Promise<Daemon> {
  const { environment } = options;
  const { coreDumps } = keepOutOfCoreDumps();
  const base = await openBase(options, cleanup);
  const { now, places, settings, emit } = base;
  if (coreDumps === 'possible') emit({ type: 'notice', level: 'warn', message: 'a core dump of this process would hold keys, and this system has no switch for that which can be reached from here; start it with `ulimit -c 0`' });
  const problems = createProblems();
  base.listen(problems.observe);
  const startedAt = now();
  const host = options.host ?? given(environment, 'TOLLFREE_HOST') ?? settings.server.host;
  const port = options.port ?? portFrom(environment) ?? settings.server.port;

  const vault = await openDaemonVault({ file: join(places.dataDirectory, 'vault.json'), pid: process.pid, now, environment, ...(options.prompt && { prompt: options.prompt }), emit });
  cleanup.add(() => vault.close());
  const http = createHttp({ now, userAgent: `tollfree/${version}`, connectMs: settings.deadlines.connectMs });
  cleanup.add(() => http.close());
  const knowledge = await followFiles({ base, environment, vault, http, version }, cleanup);
  const { catalogue } = knowledge;
  const { keys, admission, door, signedCallers } = await openDoor(base, host, catalogue.current, cleanup);

  const record = createRecord({ dataDirectory: places.dataDirectory, retention: settings.record, now, emit });
  cleanup.add(() => record.close());
  base.listen(record.observe);
  const accounts = openAccounts(base, knowledge, vault, cleanup);
  const holders = followVault(vault, () => void catalogue.refresh(), accounts);
  const gateway = createEngine({
    now,
    settings: shareOf(settings),
    emit,
    http,
    accounts,
    catalogue: catalogue.current,
    dataDirectory: places.dataDirectory,
    rules: knowledge.compiledRules,
    usable: holders.usable,
    credentialOf: vault.credential,
    around: tellTraces({ settings, emit, listen: base.listenHere }, environment, version, cleanup)?.around,
  });
  tellWebhooks(base, http, after, cleanup);
  const keyWatch = createKeyWatch({ accounts, catalogue: catalogue.current, inquiry: knowledge.inquiry, credentialOf: vault.credential, unlocked: vault.unlocked, now, after, random: Math.random, emit });
  base.listen(keyWatch.observe);
  cleanup.add(() => keyWatch.close());
  cleanup.add(tellForecasts({ view: () => accounts.view(), now, after, emit }));
  const metrics = createMetrics({
    version,
    nodeVersion: process.version,
    accounts: () => accounts.view(),
    breakers: () => accounts.breakers(),
    catalogue: catalogue.current,
    estimateErrors: () => accounts.estimateErrors(),
    waiting: () => accounts.waitingByProvider(),
    vaultUnlocked: vault.unlocked,
  });
  base.listen(metrics.observe);

  const events = createEvents();
  base.listen(events.observe);
  const activity = createActivity(now);
  base.listen(activity.observe);

  const state: { draining: boolean; owner?: Owner } = { draining: false };
  const { workers } = settings.server;
  // Bound wider than loopback every call needs a key, and the names a server goes by there are not ours to know.
  const allowedHosts = host === '0.0.0.0' || host === '::' ? undefined : [host, ...settings.server.allowedHosts];
  const live = createLiveRequests();
  const load = createLoad({ underWay: live.count, ...options.load });
  cleanup.add(() => load.close());
  const app = createApp({
    gateway,
    accounts,
    catalogue: catalogue.current,
    rules: knowledge.rules,
    vault,
    door,
    signedCallers,
    keys,
    admission,
    adminDoor: createAdminDoor({ token: await adminToken(environment, places.dataDirectory), now, random: randomBytes }),
    accountDesk: createAccountDesk({ vault, catalogue: catalogue.current, inquiry: knowledge.inquiry, learn: (id, facts) => accounts.learn(id, facts), foundGood: (id) => accounts.judge(id, true) }),
    audit: (act) => void vault.audit(act),
    rulesDesk: knowledge.rulesDesk,
    record,
    problems: problems.list,
    events,
    activity,
    allowedHosts,
    live,
    bodyLimit: settings.server.bodyLimitBytes,
    callerMs: settings.deadlines.callerMs,
    heartbeatMs: settings.deadlines.heartbeatMs,
    readerMs: settings.deadlines.readerMs,
    ...(settings.cache.responsesMs !== undefined && { turns: createTurnStore({ now, mostBytes: settings.cache.maxSizeBytes, keepMs: settings.cache.responsesMs }) }),
    load,
    metrics,
    version,
    now,
    startedAt,
    vaultUnlocked: vault.unlocked,
    draining: () => state.draining,
    ...(workers > 1 && { workers: () => ({ wanted: workers, running: state.owner?.running() ?? 0 }) }),
  });
  if (workers > 1) state.owner = await serveByWorkers({
    app, live, host, port, version, now, allowedHosts, door, accounts,
    signed: settings.jwt !== undefined,
    loopback: isLoopback(host),
    settings: shareOf(settings),
    dataDirectory: places.dataDirectory,
    catalogue: catalogue.current,
    rules: knowledge.rules,
    keys: keys.list,
    holders: holders.all,
    credentialOf: vault.credential,
    unlocked: vault.unlocked,
    emit: base.relay,
  });
  const server = state.owner ?? (await listen(app, live, { host, port, uploadMs: settings.deadlines.uploadMs }));
  void catalogue.refresh();

  return {
    host: server.host,
    port: server.port,
    async stop() {
      state.draining = true;
      events.close();
      await server.drain(settings.server.drainMs);
      await cleanup.run();
    },
  };
}

/** Windows, rests and turns go on where the last process left them, however it ended. */
function openAccounts({ now, places, settings, emit }: Base, { catalogue }: Knowledge, vault: DaemonVault, cleanup: Cleanup): KeptAccounts {
  const journal = createJournal({ path: join(places.dataDirectory, 'quota.journal'), now, emit, textOf });
  cleanup.add(() => journal.close());
  const accounts = createAccounts({ accounts: vault.accounts(), catalogue: catalogue.current, scheduler: { now, after }, emit, lineBound: settings.line.maxWaiting, journal });
  cleanup.add(() => accounts.save());
  return accounts;
}

interface Holders {
  /** Whoever has an account there can be used. */
  readonly usable: Gateway['usable'];
  /** The same list until one is another. */
  readonly all: () => readonly Account[];
}

/** Follows the vault from now on. */
function followVault(vault: DaemonVault, refresh: () => void, accounts: Accounts): Holders {
  const read = (): { readonly all: readonly Account[]; readonly providers: ReadonlySet<string> } => {
    const all = vault.accounts();
    return { all, providers: providersOf(all) };
  };
  const known = { current: read() };
  vault.follow(() => {
    known.current = read();
    accounts.update(known.current.all);
    refresh();
  });
  return { usable: ({ name }) => known.current.providers.has(name), all: () => known.current.all };
}

/** Most daemons are one process, and need not know how to be several. */
async function serveByWorkers(options: OwnerOptions): Promise<Owner> {
  const { startOwner } = await import('./workers/owner.ts');
  return startOwner(options);
}

/** The budget for retries is for all processes together. */
function shareOf(settings: Settings): Settings {
  const { retries, server: { workers } } = settings;
  return workers === 1 ? settings : { ...settings, retries: { ...retries, budgetPerSecond: retries.budgetPerSecond / (workers + 1) } };
}
