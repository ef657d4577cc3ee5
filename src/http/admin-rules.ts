/** `/admin/rules`: what is in force, as it is written, and whether another text would do. */
import { Router } from 'express';
import { z } from 'zod';
import type { RuleSet } from '../routing/classify.ts';
import { check } from '../schema.ts';
import type { Rules } from '../types.ts';
import { readJson } from './body.ts';

export interface RulesProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type CheckedRules = { readonly problems: readonly RulesProblem[] } | { readonly rules: RuleSet; readonly names: readonly string[] };

export interface RulesDesk {
  readonly source: () => Promise<{ readonly file: string; readonly text: string }>;
  readonly check: (text: string) => CheckedRules;
}

export interface AdminRulesOptions {
  readonly rules: () => Rules;
  readonly rulesDesk: RulesDesk;
}

export const rulesText = z.strictObject({ text: z.string().describe('The whole rules file.') });

/** The shipped file has 27 KB. */
const TEXT_LIMIT = 2 ** 20;

/** To be mounted at `/admin/rules`. */
export function adminRulesRoutes({ rules, rulesDesk }: AdminRulesOptions): Router {
  const router = Router();
  router.get('/', (_request, response) => void response.json({ default_rule: rules().defaultRule, rules: rules().rules }));
  router.get('/source', async (_request, response) => void response.json(await rulesDesk.source()));
  router.post('/check', async (request, response) => {
    const { text } = check(rulesText, await readJson(request, TEXT_LIMIT));
    const checked = rulesDesk.check(text);
    response.json('problems' in checked ? { problems: checked.problems } : { problems: [], rules: checked.names });
  });
  return router;
}
