/** `/admin/rules`: what is in force, as it is written, whether another text would do, and that text in its place. */
import { Router } from 'express';
import { z } from 'zod';
import type { RuleSet } from '../routing/classify.ts';
import { check, refused } from '../schema.ts';
import type { Rules } from '../types.ts';
import { readJson } from './body.ts';

export interface RulesProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type CheckedRules = { readonly problems: readonly RulesProblem[] } | { readonly rules: RuleSet; readonly names: readonly string[] };

export interface RulesDesk {
  /** `version` names the text: another has another. Throws `internal` where it cannot be read. */
  readonly source: () => Promise<{ readonly file: string; readonly text: string; readonly version: string }>;
  readonly check: (text: string) => CheckedRules;
  /** Replaces the version that was seen, puts it in force and tells the new one. Throws `changed-meanwhile` where it is no longer there, `internal` where it cannot be written. */
  readonly save: (text: string, seen: string) => Promise<string>;
}

export interface AdminRulesOptions {
  readonly rules: () => Rules;
  readonly rulesDesk: RulesDesk;
}

export const rulesText = z.strictObject({ text: z.string().describe('The whole rules file.') });

export const rulesSaving = rulesText.extend({ version: z.string().describe('As `GET /admin/rules/source` told it: nobody’s change is overwritten unseen.') });

/** The shipped file has 27 KB. */
const TEXT_LIMIT = 2 ** 20;

/** To be mounted at `/admin/rules`. */
export function adminRulesRoutes({ rules, rulesDesk }: AdminRulesOptions): Router {
  const router = Router();
  router.get('/', (_request, response) => void response.json({ default_rule: rules().defaultRule, rules: rules().rules }));
  router.get('/source', async (_request, response) => void response.json(await rulesDesk.source()));
  router.put('/source', async (request, response) => {
    const { text, version } = check(rulesSaving, await readJson(request, TEXT_LIMIT));
    const checked = rulesDesk.check(text);
    if ('problems' in checked) throw refused('text', checked.problems.map(({ line, column, message }) => `${line}:${column} ${message}`).join('; '));
    response.json({ rules: checked.names, version: await rulesDesk.save(text, version) });
  });
  router.post('/check', async (request, response) => {
    const { text } = check(rulesText, await readJson(request, TEXT_LIMIT));
    const checked = rulesDesk.check(text);
    response.json('problems' in checked ? { problems: checked.problems } : { problems: [], rules: checked.names });
  });
  return router;
}
