/** What a picture of the accounts is drawn from, and how much of it. */
import type { Paint } from '../context.ts';
import type { AccountsAnswer, Answer } from '../shapes.ts';

export interface Traffic {
  /** Requests since the daemon started; who was turned away at the door is none. */
  readonly requests: number;
  readonly perSecond: number;
  /** Of those, refused for want of quota or failed. */
  readonly failed: number;
}

export interface StatusPicture extends AccountsAnswer {
  readonly address: string;
  readonly traffic?: Traffic;
  readonly health?: Pick<Answer<'Health'>, 'reason' | 'problems' | 'workers'>;
}

/** `providers`: one paragraph each. `accounts`: every account with its fullest windows. `windows`: all there is. */
export type Detail = 'providers' | 'accounts' | 'windows';

export interface Frame {
  readonly width: number;
  readonly paint: Paint;
  readonly now: number;
  readonly detail: Detail;
}

/** Paragraphs shown are few enough to be taken in: what decides is nearly always among the fullest. */
export const TELLING = 3;
