/** What somebody is told whose limits leave no room. */
import { FailureError } from '../failure.ts';
import { toUsd, type Allowance, type Measure, type Period } from './amounts.ts';

/** One allowance with too little left. */
export interface Shortage {
  readonly title: string;
  readonly allowance: Allowance;
  readonly used: number;
  readonly asked: number;
  /** When it fits. Infinity: never, as things are. */
  readonly freeAt: number;
}

export function refusal({ title, allowance, used, asked, freeAt }: Shortage): FailureError {
  const { measure, period, most } = allowance;
  const kind = period === 'minute' ? 'key-rate' : 'over-budget';
  const limit = `${counted(measure, most)} ${spans[period]}`;
  if (asked > most) {
    return new FailureError({ kind, message: `this request may take ${counted(measure, asked)}, and ${title} has ${limit}; lower max_tokens, send less, or ask the operator for more` });
  }
  const story = `${title} has used ${number(measure, used)} of ${limit}`;
  if (!Number.isFinite(freeAt)) return new FailureError({ kind, message: `${story}; only the operator can raise it` });
  return new FailureError({ kind, retryAt: freeAt, message: `${story}; a request like this fits at ${new Date(freeAt).toISOString()}` });
}

const spans: Readonly<Record<Period, string>> = { minute: 'a minute', day: 'a day', week: 'a week', month: 'a month', total: 'in total' };

/** Six digits of a dollar show the price of one token of most models. */
const number = (measure: Measure, amount: number): string => (measure === 'nanoUsd' ? `$${toUsd(amount).toFixed(6).replace(/\.?0+$/, '')}` : String(amount));

const counted = (measure: Measure, amount: number): string => (measure === 'nanoUsd' ? number(measure, amount) : `${amount} ${amount === 1 ? measure.replace(/s$/, '') : measure}`);
