/** The rules file as an operator edits it: looked at, checked, saved. */
import { createHash } from 'node:crypto';
import { chmod, readFile, realpath, stat } from 'node:fs/promises';
import { ConfigError } from '../config/problems.ts';
import { FailureError } from '../failure.ts';
import { systemCode } from '../files.ts';
import type { CheckedRules, RulesDesk } from '../http/admin-rules.ts';
import type { RuleSet } from '../routing/classify.ts';
import type { Rules } from '../types.ts';
import { writeDurably } from '../vault/durable-write.ts';
import { createSerially } from '../vault/serial.ts';
import { asFailure } from './vault-failure.ts';

export interface RulesDeskOptions {
  readonly file: string;
  /** Throws a ConfigError where the text is wrong. */
  readonly load: (text: string) => { readonly read: Rules; readonly compiled: RuleSet };
  /** Puts what the file holds in force. */
  readonly reload: () => void;
}

export function createRulesDesk({ file, load, reload }: RulesDeskOptions): RulesDesk {
  const serially = createSerially();

  const source: RulesDesk['source'] = async () => {
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new FailureError({ kind: 'internal', message: `${file} ${systemCode(cause) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(cause) ?? 'why is not known'})`}; the rules in force stay until it is there again` }, { cause });
    });
    return { file, text, version: versionOf(text) };
  };

  function check(text: string): CheckedRules {
    try {
      const { read, compiled } = load(text);
      return { rules: compiled, names: read.rules.map(({ name }) => name) };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { problems: error.problems.map(({ line, column, path, message }) => ({ line, column, message: path === '' ? message : `${path}: ${message}` })) };
    }
  }

  async function save(text: string, seen: string): Promise<string> {
    if ((await source()).version !== seen) throw new FailureError({ kind: 'changed-meanwhile', message: `${file} was changed meanwhile; load it again` });
    // A link stays one, and whoever could read the file still can.
    const path = await realpath(file);
    const { mode } = await stat(path);
    await asFailure(() => writeDurably(path, text, 'untouched'));
    await chmod(path, mode & 0o777);
    reload();
    return versionOf(text);
  }

  return {
    source,
    check,
    save: (text, seen) => serially(() => save(text, seen)),
  };
}

const versionOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
