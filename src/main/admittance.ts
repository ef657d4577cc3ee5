/** Who may come in: virtual keys, their limits, and the door that asks for them. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createDoor, isLoopback, mayStart } from '../http/door.ts';
import type { Door } from '../http/door.ts';
import { createAdmission } from '../keys/admission.ts';
import type { Admission } from '../keys/admission.ts';
import { openKeys } from '../keys/keys.ts';
import type { Keys } from '../keys/keys.ts';
import { createEstimateListUsd } from '../keys/list-price.ts';
import type { Catalogue } from '../types.ts';
import { VaultError } from '../vault/errors.ts';
import type { Base } from './base.ts';
import type { Cleanup } from './cleanup.ts';

export interface Admittance {
  readonly keys: Keys;
  readonly admission: Admission;
  readonly door: Door;
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
  const door = createDoor({ keys, admission, estimateListUsd: createEstimateListUsd(catalogue), now, mode: settings.auth, loopback });
  listen(door.listen);
  return { keys, admission, door };
}
