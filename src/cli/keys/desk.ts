/** Where virtual keys are made and ended: at the running daemon, else in its file. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { ANSWERS } from '../../http/answers.ts';
import { tellKey, tellShared } from '../../keys/format.ts';
import { openKeys, type Keys } from '../../keys/keys.ts';
import type { VirtualKey } from '../../keys/virtual-key.ts';
import { runningDaemon, type AdminClient } from '../admin-client.ts';
import { openLocalVault } from '../accounts/local-vault.ts';
import type { Context } from '../context.ts';
import { note } from '../output.ts';
import { placesOf } from '../places.ts';
import type { Answer, IssuedKey, KeyStatus } from '../shapes.ts';

/** What the daemon alone knows, left out. */
const fileShape = ANSWERS.VirtualKey.partial({ used: true });

export interface KeyDesk {
  readonly create: (terms: unknown) => Promise<IssuedKey>;
  readonly list: () => Promise<readonly KeyStatus[]>;
  readonly revoke: (id: string) => Promise<KeyStatus>;
  readonly rotate: (id: string) => Promise<IssuedKey>;
  readonly shared: () => Promise<Answer<'SharedLimits'>>;
  /** `{ all: limits, projects: { name: limits } }`; null takes one away. */
  readonly changeShared: (change: unknown) => Promise<Answer<'SharedLimits'>>;
}

export async function keyDesk(context: Context): Promise<KeyDesk> {
  const path = resolve(context.directory, placesOf(context).dataDirectory, 'keys.json');
  const client = await runningDaemon(context, `this is about ${path} itself`);
  return client === undefined ? atFile(context, path) : atDaemon(client);
}

const ROUTE = '/admin/virtual-keys';

const atDaemon = (client: AdminClient): KeyDesk => ({
  create: (terms) => client.ask(ROUTE, 'IssuedKey', { method: 'POST', body: terms }),
  list: async () => (await client.askAll(ROUTE, 'VirtualKeys')).virtual_keys,
  revoke: (id) => client.ask(`${ROUTE}/${encodeURIComponent(id)}`, 'VirtualKey', { method: 'DELETE' }),
  rotate: (id) => client.ask(`${ROUTE}/${encodeURIComponent(id)}/rotate`, 'IssuedKey', { method: 'POST', body: {} }),
  shared: () => client.ask(`${ROUTE}/limits`, 'SharedLimits'),
  changeShared: (change) => client.ask(`${ROUTE}/limits`, 'SharedLimits', { method: 'PATCH', body: change }),
});

async function atFile(context: Context, path: string): Promise<KeyDesk> {
  const keys: Keys = await openKeys({ path, pid: process.pid, now: context.now, random: randomBytes, emit: (event) => event.type === 'notice' && note(context, event.message) });
  const told = (key: VirtualKey): KeyStatus => fileShape.parse(tellKey(key, context.now()));
  const { audit } = await openLocalVault(context);
  const done = async (act: string, key: VirtualKey): Promise<KeyStatus> => {
    await audit.record({ by: 'cli', act: `virtual key ${act}`, on: [key.name, key.id] });
    return told(key);
  };
  return {
    create: async (terms) => {
      const { key, secret } = await keys.create(terms);
      return { ...(await done('made', key)), secret };
    },
    list: async () => keys.list().map(told),
    revoke: async (id) => done('revoked', await keys.revoke(id)),
    rotate: async (id) => {
      const { key, secret } = await keys.rotate(id);
      return { ...(await done('given a new secret', key)), secret };
    },
    shared: async () => ANSWERS.SharedLimits.parse(tellShared(keys.shared())),
    changeShared: async (change) => {
      const shared = await keys.changeShared(change);
      await audit.record({ by: 'cli', act: 'shared limits changed' });
      return ANSWERS.SharedLimits.parse(tellShared(shared));
    },
  };
}
