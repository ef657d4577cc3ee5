/** A window as a picture: how much of it is used. */
import type { Paint } from './context.ts';

/** Exactly `width` columns. Anything used shows, anything left shows: an almost full window never looks full. */
export function bar(used: number, limit: number, width: number): { readonly full: string; readonly empty: string } {
  const share = limit > 0 ? Math.min(1, Math.max(0, used / limit)) : 1;
  const filled = share === 0 ? 0 : share === 1 ? width : Math.min(width - 1, Math.max(1, Math.round(share * width)));
  return { full: '█'.repeat(Math.max(0, filled)), empty: '░'.repeat(Math.max(0, width - Math.max(0, filled))) };
}

/** Green while there is plenty, yellow from four fifths, red when spent. */
export function paintedBar(used: number, limit: number, { width, paint }: { readonly width: number; readonly paint: Paint }): string {
  const { full, empty } = bar(used, limit, width);
  const format = used >= limit ? 'red' : used >= limit * 0.8 ? 'yellow' : 'green';
  return paint(format, full) + paint('dim', empty);
}
