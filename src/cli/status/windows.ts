/** Windows as bars: how much is used, of what, until when, and how that is known. */
import { paintedBar } from '../bar.ts';
import { duration, per, roughly } from '../numbers.ts';
import type { AccountStatus, Window } from '../shapes.ts';
import { clip, oneLine, pad, widthOf } from '../text.ts';
import { TELLING, type Frame } from './frame.ts';

/** One bar. `name` says whose window it is, where that is not plain from what stands above it. */
export interface Bar {
  readonly name: string;
  readonly window: Window;
}

const INDENT = 4;
const GAP = '  ';
/** Long enough to tell a tenth from a fifth, short enough for eighty columns. */
export const BAR_WIDTH = 20;
/** Shorter than this it tells no more than the numbers do. */
const LEAST_BAR = 8;
/** Below this there is no room for pictures. */
export const BAR_FROM = 64;
/** A name keeps as much, whatever else there is to say. */
const LEAST_NAME = 12;
/** `whole in 23 h 59 min`: what follows the numbers gets at least that. */
const NOTE_WIDTH = 20;

/** The maker's name before the slash says nothing here that the rest does not. */
export const shortModel = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

export const windowName = ({ unit, seconds, model }: Window): string => oneLine(`${unit === 'concurrent' ? 'at once' : per(unit, seconds)}${model === undefined ? '' : ` ${shortModel(model)}`}`);

const fullness = ({ used, limit }: Window): number => used / Math.max(1, limit);

/** Those that will be spent first; none that is untouched. */
export const telling = (bars: readonly Bar[]): readonly Bar[] => bars.filter(({ window }) => window.used > 0).toSorted((a, b) => fullness(b.window) - fullness(a.window)).slice(0, TELLING);

export const barsOf = ({ windows }: AccountStatus): Bar[] => windows.map((window) => ({ name: windowName(window), window }));

export function renderBars(bars: readonly Bar[], { width, paint, now }: Frame): string[] {
  const numbers = bars.map(({ window: { used, limit } }) => `${roughly(used)} of ${roughly(limit)}`);
  const numberWidth = Math.max(0, ...numbers.map((text) => widthOf(text)));
  const longest = Math.max(0, ...bars.map(({ name }) => widthOf(name)));
  // Names that can be told apart say more than a longer bar.
  const spare = width - INDENT - longest - numberWidth - NOTE_WIDTH - 3 * GAP.length;
  const barWidth = width < BAR_FROM ? 0 : Math.max(LEAST_BAR, Math.min(BAR_WIDTH, spare));
  const taken = INDENT + GAP.length + numberWidth + (barWidth === 0 ? 0 : barWidth + GAP.length);
  const nameWidth = Math.min(longest, Math.max(LEAST_NAME, width - taken - GAP.length - NOTE_WIDTH));
  return bars.map(({ name, window }, index) => {
    const cells = [pad(clip(name, nameWidth), nameWidth), ...(barWidth === 0 ? [] : [paintedBar(window.used, window.limit, { width: barWidth, paint })]), pad(numbers[index] ?? '', numberWidth, 'right')];
    const notes = fitting(notesOf(window, now), width - taken - nameWidth - GAP.length);
    return `${' '.repeat(INDENT)}${[...cells, ...(notes === '' ? [] : [paint('dim', notes)])].join(GAP)}`.trimEnd();
  });
}

/** Where a limit is known from, in words; what stands in the catalogue goes without saying. */
const sources: Readonly<Record<string, string>> = { header: 'says its header', refusal: 'says a refusal', endpoint: 'says its key endpoint' };

function notesOf({ used, unit, resets_at: resets, empty_at: empty, source }: Window, now: number): string[] {
  const said = sources[source ?? ''];
  const left = (moment: string): string => duration(Math.max(1000, Date.parse(moment) - now));
  return [
    ...(resets === undefined || used === 0 || unit === 'concurrent' ? [] : [`whole in ${left(resets)}`]),
    ...(empty === undefined ? [] : [`spent in ${left(empty)} at this pace`]),
    ...(said === undefined ? [] : [said]),
  ];
}

/** As many as there is room for, the first ones first. */
function fitting(notes: readonly string[], width: number): string {
  for (let kept = notes.length; kept > 0; kept -= 1) {
    const text = notes.slice(0, kept).join(' · ');
    if (widthOf(text) <= width) return text;
  }
  return '';
}
