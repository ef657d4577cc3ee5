import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../files.ts';
import { given } from '../variables.ts';
import type { Environment } from '../variables.ts';

/** The operator's bearer: from the environment, else from `admin.token` (0600), made at the first start. */
export async function adminToken(environment: Environment, dataDirectory: string): Promise<string> {
  const named = given(environment, 'TOLLFREE_ADMIN_TOKEN');
  if (named !== undefined) return named;
  const file = join(dataDirectory, 'admin.token');
  try {
    // Exclusive: of two first starts at once, one makes the token and the other reads it.
    await writeFile(file, `tfa-${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
