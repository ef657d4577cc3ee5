/** Start and stop: everything is made here, passed in, and taken down in the opposite order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccounts } from './accounts/accounts.ts';
import { createApp } from './app.ts';
import { loadCatalogue } from './config/catalogue.ts';
import { createReloading, readConfig } from './config/reloading.ts';
import { loadRules } from './config/rules.ts';
import { loadSettings } from './config/settings.ts';
import type { Settings } from './config/settings.ts';
import type { Gateway } from './gateway.ts';
import { createLiveRequests } from './http/stream.ts';
import { adminToken } from './main/admin-token.ts';
import { createCleanup } from './main/cleanup.ts';
import type { Cleanup } from './main/cleanup.ts';
import { createSteadyClock } from './main/clock.ts';
import { createLiveCatalogue } from './main/live-catalogue.ts';
import { baseUrlOverrides, placesOf, portFrom } from './main/environment.ts';
import { listen } from './main/listen.ts';
import { openDaemonVault } from './main/open-vault.ts';
import { createLog } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { createHttp } from './providers/call.ts';
import { dialects } from './providers/dialects.ts';
import { createInquiry } from './providers/inquire.ts';
import { createSend } from './providers/send.ts';
import { compileRules } from './routing/classify.ts';
import { checkPattern } from './routing/pattern.ts';
import type { Account, Emit, GatewayEvent } from './types.ts';
import { priceOf } from './usage/cost.ts';
import { lockDataDirectory } from './vault/daemon-lock.ts';
import { keepOutOfCoreDumps } from './vault/hardening.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

export interface DaemonOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** What relative paths start from. */
  readonly directory: string;
  /** Where log lines are shown besides the file. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Outrank the environment, which outranks the settings. */
  readonly host?: string;
  readonly port?: number;
  /** Asks for the vault's passphrase, hidden; given where there is a terminal. */
  readonly prompt?: () => Promise<string | undefined>;
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
  const now = createSteadyClock();
  const startedAt = now();
  keepOutOfCoreDumps();

  const places = placesOf(environment, options.directory);
  const settings = loadSettings(readConfig(places.settings), places.settings);
  const lock = await lockDataDirectory({ directory: places.dataDirectory, pid: process.pid, now });
  cleanup.add(() => lock.release());

  const listeners: ((event: GatewayEvent) => void)[] = [];
  const emit: Emit = (event) => listeners.forEach((listener) => listener(event));
  const log = createLog(logOptions(settings, options, places.dataDirectory));
  cleanup.add(() => log.close());
  listeners.push(log.observe);
  const mistake = (error: Error): void => emit({ type: 'notice', level: 'error', message: `${error.message}\nthe version before stays in force` });

  const vault = await openDaemonVault({
    file: join(places.dataDirectory, 'vault.json'),
    pid: process.pid,
    now,
    environment,
    ...(options.prompt && { prompt: options.prompt }),
    emit,
  });
  cleanup.add(() => vault.close());
  const http = createHttp({ now, userAgent: `tollfree/${version}` });
  cleanup.add(() => http.close());
  const catalogue = await createLiveCatalogue({
    file: places.providers,
    load: (text) => loadCatalogue(text, places.providers, { baseUrlOverrides: baseUrlOverrides(environment), dialects: [...dialects.keys()] }),
    onReload: () => emit({ type: 'notice', level: 'info', message: 'the catalogue was read again' }),
    onMistake: mistake,
    cache: join(places.dataDirectory, 'models.json'),
    inquiry: createInquiry({ http, now }),
    accounts: vault.accounts,
    credentialOf: vault.credential,
    refreshMs: settings.catalogue.refreshMs,
    now,
    emit,
  });
  cleanup.add(() => catalogue.close());
  const rules = await createReloading({
    file: places.rules,
    load: (text) => {
      const read = loadRules(text, places.rules, { providers: [...catalogue.current().providers.keys()], checkPattern });
      return { read, compiled: compileRules(read) };
    },
    onReload: () => emit({ type: 'notice', level: 'info', message: 'the rules were read again' }),
    onMistake: mistake,
  });
  cleanup.add(() => rules.close());

  const accounts = createAccounts({
    accounts: vault.accounts(),
    catalogue: catalogue.current,
    scheduler: { now, after },
    emit,
    lineBound: settings.line.maxWaiting,
  });
  const usable = { providers: providersOf(vault.accounts()) };
  vault.follow(() => {
    accounts.update(vault.accounts());
    usable.providers = providersOf(vault.accounts());
    void catalogue.refresh();
  });

  const gateway: Gateway = {
    now,
    rules: () => rules.current().compiled,
    catalogue: catalogue.current,
    usable: ({ name }) => usable.providers.has(name),
    accounts,
    send: createSend({ http, credentialOf: vault.credential, now }),
    price: priceOf,
    emit,
    policy: policyOf(settings),
  };
  const metrics = createMetrics({ version, nodeVersion: process.version, accounts: () => accounts.view(), waiting: () => accounts.waiting(), vaultUnlocked: vault.unlocked });
  listeners.push(metrics.observe);

  const state = { draining: false };
  const live = createLiveRequests();
  const app = createApp({
    gateway,
    accounts,
    catalogue: catalogue.current,
    rules: () => rules.current().read,
    vault,
    identify: () => ({ key: 'local', project: 'local' }),
    adminToken: await adminToken(environment, places.dataDirectory),
    allowedHosts: settings.server.allowedHosts,
    live,
    bodyLimit: settings.server.bodyLimitBytes,
    callerMs: settings.deadlines.callerMs,
    metrics,
    version,
    now,
    startedAt,
    vaultUnlocked: vault.unlocked,
    draining: () => state.draining,
  });
  const server = await listen(app, live, { host: options.host ?? environment['TOLLFREE_HOST'] ?? settings.server.host, port: options.port ?? portFrom(environment) ?? settings.server.port });

  void catalogue.refresh();

  return {
    host: server.host,
    port: server.port,
    async stop() {
      state.draining = true;
      await server.drain(settings.server.drainMs);
      await cleanup.run();
    },
  };
}

/** Calls once after so many milliseconds; the returned function takes it back. */
function after(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  return () => clearTimeout(timer);
}

const providersOf = (accounts: readonly Account[]): ReadonlySet<string> => new Set(accounts.filter(({ enabled }) => enabled).map(({ provider }) => provider));

function policyOf({ freeOnly, deadlines }: Settings): Gateway['policy'] {
  const policy = { freeOnly, firstContentMs: deadlines.firstContentMs, wholeAnswerMs: deadlines.wholeAnswerMs, stallMs: deadlines.stallMs, totalMs: deadlines.totalMs };
  return () => policy;
}

function logOptions({ log }: Settings, { environment, stream }: DaemonOptions, directory: string): Parameters<typeof createLog>[0] {
  const style = log.format === 'auto' ? (stream?.isTTY === true ? 'pretty' : 'json') : log.format;
  const level = environment['TOLLFREE_LOG_LEVEL'];
  return {
    level: level === 'error' || level === 'warn' || level === 'info' || level === 'debug' ? level : log.level,
    style,
    ...(stream && { stream }),
    ...(log.file && { directory }),
    maxSizeBytes: log.maxSizeBytes,
    maxFiles: log.maxFiles,
  };
}
