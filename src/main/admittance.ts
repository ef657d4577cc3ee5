/** Who may come in: virtual keys, their limits, and the door that asks for them. */
import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { createReloading } from '../config/reloading.ts';
import { ConfigError } from '../config/problems.ts';
import { createDoor, mayStart } from '../http/door.ts';
import type { Door } from '../http/door.ts';
import { createSignedCallers } from '../http/signed-callers.ts';
import type { SignedCallers } from '../http/signed-callers.ts';
import { createAdmission } from '../keys/admission.ts';
import type { Admission } from '../keys/admission.ts';
import type { KeySet, Tokens } from '../keys/tokens.ts';
import { openKeys } from '../keys/keys.ts';
import type { Keys } from '../keys/keys.ts';
import { createEstimateListUsd } from '../keys/list-price.ts';
import { isLoopback } from '../loopback.ts';
import type { Catalogue } from '../types.ts';
import { VaultError } from '../vault/errors.ts';
import type { Base } from './base.ts';
import type { Cleanup } from './cleanup.ts';

export interface Admittance {
  readonly keys: Keys;
  readonly admission: Admission;
  readonly door: Door;
  readonly signedCallers: SignedCallers;
}

/** Throws VaultError where the keys cannot be read, or where nobody would be asked for one and anybody could come. */
export async function openDoor({ now, places, settings, emit, listen }: Base, host: string, catalogue: () => Catalogue, cleanup: Cleanup): Promise<Admittance> {
  const keys = await openKeys({ path: join(places.dataDirectory, 'keys.json'), pid: process.pid, now, random: randomBytes, emit });
  const loopback = isLoopback(host);
  const refusal = mayStart({ mode: settings.auth, loopback, keysExist: keys.exist() });
  if (refusal !== undefined) throw new VaultError('refused', refusal);
  cleanup.add(keys.follow());

  const admission = createAdmission({ keys, path: join(places.dataDirectory, 'key-usage.jsonl'), now, emit });
  cleanup.add(() => admission.close());
  const signedCallers = createSignedCallers(await openTokens({ now, places, settings, emit }, keys, cleanup));
  const door = createDoor({ signedBy: signedCallers.keyOf, keys, admission, estimateListUsd: createEstimateListUsd(catalogue), now, mode: settings.auth, loopback });
  listen(door.listen);
  return { keys, admission, door, signedCallers };
}

/** Key sets follow their file: signers rotate their keys. */
async function openTokens({ now, places, settings: { jwt }, emit }: Pick<Base, 'now' | 'places' | 'settings' | 'emit'>, keys: Keys, cleanup: Cleanup): Promise<Tokens | undefined> {
  if (jwt === undefined) return undefined;
  // Few ask for signed tokens: for all others, reading their library would be 10 ms and 2 MB of each start.
  const { createTokens, readKeySet } = await import('../keys/tokens.ts');
  const { proof, ...terms } = jwt;
  if ('secret' in proof) return createTokens({ ...terms, proof, keys, now });
  const file = resolve(dirname(places.settings), proof.jwksFile);
  const set = await createReloading<KeySet>({
    file,
    load(text) {
      try {
        return readKeySet(text);
      } catch {
        throw new ConfigError([{ file, line: 0, column: 0, path: '', message: 'is no JSON Web Key Set: { "keys": [ … ] }' }]);
      }
    },
    onReload: () => emit({ type: 'notice', level: 'info', message: 'the key set for signed tokens changed and is in force' }),
    onMistake: (error) => emit({ type: 'notice', level: 'error', message: `${error.message}\nthe key set before stays in force` }),
  });
  cleanup.add(() => set.close());
  return createTokens({ ...terms, proof: { keySet: set.current }, keys, now });
}
