import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The operator's bearer: from the environment, else from `admin.token` (0600), made at the first start. */
export async function adminToken(environment: NodeJS.ProcessEnv, dataDirectory: string): Promise<string> {
  const given = environment['TOLLFREE_ADMIN_TOKEN'];
  if (given !== undefined && given !== '') return given;
  const file = join(dataDirectory, 'admin.token');
  try {
    // Exclusive: of two first starts at once, one makes the token and the other reads it.
    await writeFile(file, `tfa-${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
