/**
 * A process of its own that takes clients' connections. It lives by the channel to its owner: when that ends, it ends,
 * and what the terminal or a service manager says to all processes at once is the owner's to hear.
 */
import { createLiveRequests } from '../http/stream.ts';
import { createLoad } from '../http/load.ts';
import { digestOf } from '../keys/secret.ts';
import { createCleanup } from '../main/cleanup.ts';
import { createEngine } from '../main/engine.ts';
import { listen } from '../main/listen.ts';
import { tellTraces } from '../main/tell-traces.ts';
import { createHttp } from '../providers/call.ts';
import type { GatewayEvent } from '../types.ts';
import { keepOutOfCoreDumps } from '../vault/hardening.ts';
import { createHandOn } from './hand-on.ts';
import { createPost, monotonicOffset } from './messages.ts';
import type { Start, ToOwner, ToWorker } from './messages.ts';
import { createRemoteAccounts } from './remote-accounts.ts';
import type { RemoteAccounts } from './remote-accounts.ts';
import { createServing } from './serving.ts';
import { createSnapshots } from './snapshots.ts';

interface Serving {
  readonly remote: RemoteAccounts;
  readonly drain: (milliseconds: number) => Promise<void>;
}

keepOutOfCoreDumps();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const snapshots = createSnapshots(digestOf);
const { post: later, flush } = createPost<ToOwner>((batch) => void process.send?.(batch));
/** Whoever has all of an answer finds it in the record: its end is told before its last byte goes, whatever becomes of this process. */
const post = (message: ToOwner): void => {
  later(message);
  if (message.type === 'finished') flush();
};
const serving: { current?: Serving } = {};

process.on('message', (batch: readonly ToWorker[]) => {
  for (const message of batch) hear(message);
});

// What is said before somebody hears is lost.
post({ type: 'here' });

function hear(message: ToWorker): void {
  if (message.type === 'start') serving.current = serve(message);
  else if (message.type === 'state') snapshots.adopt(message);
  else if (message.type === 'drain') void serving.current?.drain(message.milliseconds).then(leave);
  else serving.current?.remote.hear(message);
}

/** What was told last must have gone before the channel does. */
function leave(): void {
  flush();
  process.send?.([], undefined, undefined, () => process.exit(0));
}

function serve(start: Start): Serving {
  const { settings, version, host, port, epoch, socketPath } = start;
  const cleanup = createCleanup();
  const offset = epoch + monotonicOffset();
  const now = (): number => offset + performance.now();
  const state = { draining: false };
  const live = createLiveRequests();
  const load = createLoad({ underWay: live.count });
  cleanup.add(() => load.close());
  const http = createHttp({ now, userAgent: `tollfree/${version}`, connectMs: settings.deadlines.connectMs });
  cleanup.add(() => http.close());

  const listeners: ((event: GatewayEvent) => void)[] = [];
  const handOn = createHandOn(socketPath);
  const remote = createRemoteAccounts({
    post,
    account: snapshots.account,
    accountsOf: snapshots.accountsOf,
    bodies: settings.log.bodies,
    listener: (event) => listeners.forEach((hears) => hears(event)),
    taken: handOn.drop,
  });
  const gateway = createEngine({
    now,
    settings,
    emit: remote.emit,
    http,
    accounts: remote.accounts,
    catalogue: snapshots.catalogue,
    rules: snapshots.rules,
    dataDirectory: '',
    usable: snapshots.usable,
    credentialOf: remote.credentialOf,
    around: tellTraces({ settings, emit: remote.emit, listen: (listener) => void listeners.push(listener) }, process.env, version, cleanup)?.around,
  });
  const app = createServing({ start, snapshots, remote, handOn, gateway, live, draining: () => state.draining, load });
  const listening = listen(app, live, { host, port, uploadMs: settings.deadlines.uploadMs });
  void listening.then(() => post({ type: 'ready' }));
  return {
    remote,
    async drain(milliseconds) {
      state.draining = true;
      const { drain } = await listening;
      await drain(milliseconds);
      await cleanup.run();
    },
  };
}
