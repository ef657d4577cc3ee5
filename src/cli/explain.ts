/** `tollfree explain`: which rule a prompt takes and why, who could answer it, and when. */
import type { Command } from 'commander';
import { UNPROVEN } from '../accounts/proof.ts';
import type { Context, Paint } from './context.ts';
import { knowledgeOf } from './knowledge.ts';
import { count, per, until } from './numbers.ts';
import { modelOption, textOrJsonOption } from './options.ts';
import { printJson, printLines } from './output.ts';
import type { Explanation, Window } from './shapes.ts';
import { renderTable, type Column } from './table.ts';
import { clip, oneLine, wrap } from './text.ts';

interface Options {
  readonly model: string;
  readonly all?: true;
  readonly output: 'text' | 'json';
}

export function registerExplain(program: Command, context: Context): void {
  program
    .command('explain')
    .description('which rule a prompt takes, by which words, and who could answer when')
    .argument('<prompt>', 'what would be asked')
    .addOption(modelOption())
    .option('-a, --all', 'every candidate, not only the first ones')
    .addOption(textOrJsonOption())
    .action(async (prompt: string, { model, all, output }: Options) => {
      const { explain } = await knowledgeOf(context);
      const explanation = await explain({ prompt, model });
      if (output === 'json') printJson(context, explanation);
      else printLines(context, renderExplanation(explanation, { width: context.out.width(), paint: context.out.paint, now: context.now(), most: all === true ? Infinity : FIRST }));
    });
}

/** Whoever is asked is nearly always among these. */
const FIRST = 12;

interface Frame {
  readonly width: number;
  readonly paint: Paint;
  readonly now: number;
  /** Candidates shown. */
  readonly most: number;
}

export function renderExplanation(explanation: Explanation, frame: Frame): string[] {
  const { rule, because, considered, tokens, candidates } = explanation;
  const facts = [
    { title: 'rule', text: rule },
    { title: 'because', text: oneLine(because) },
    { title: 'tokens', text: `about ${count(tokens)}` },
    { title: 'others', text: othersOf(considered, rule) },
  ];
  return [
    ...facts.filter(({ text }) => text !== '').flatMap(({ title, text }) => fact(title, text, frame)),
    '',
    ...renderCandidates(candidates, frame),
  ];
}

function renderCandidates(candidates: Explanation['candidates'], frame: Frame): string[] {
  if (candidates.length === 0) return ['nobody can answer this: no account, or no model with what the prompt needs'];
  // Without a daemon most columns have nothing to say.
  const columns = candidateColumns(frame.now).filter(({ cell }) => candidates.some((candidate) => (cell(candidate) ?? '') !== ''));
  const lines = renderTable(columns, candidates.slice(0, frame.most), frame);
  const more = candidates.length - frame.most;
  return [
    ...lines,
    ...(more > 0 ? [frame.paint('dim', clip(`and ${count(more)} more`, frame.width))] : []),
    // The windows beside it have room, so this reason explains itself least.
    ...(candidates.some(({ reason }) => reason === 'unproven') ? wrap(UNPROVEN, frame.width).map((line) => frame.paint('dim', line)) : []),
  ];
}

/** Rules that matched in part, or were close: what a person editing rules wants to see. */
const othersOf = (considered: Explanation['considered'], chosen: string): string =>
  considered
    .filter(({ rule, score }) => rule !== chosen && score > 0)
    .map(({ rule, score, failed }) => `${rule} ${score}${failed === undefined ? '' : ` (${failed})`}`)
    .join(', ');

const TITLE_WIDTH = 10;

const fact = (title: string, text: string, { width, paint }: Frame): string[] =>
  wrap(text, Math.max(8, width - TITLE_WIDTH)).map((line, index) => `${paint('dim', (index === 0 ? title : '').padEnd(TITLE_WIDTH))}${line}`);

const candidateColumns = (now: number): Column<Explanation['candidates'][number]>[] => [
  { title: 'provider', cell: ({ provider }) => provider },
  { title: 'model', cell: ({ model }) => model },
  { title: 'account', cell: ({ account }) => account },
  { title: 'free', cell: ({ free_at: at }) => at, show: ({ free_at: at }) => freeText(at, now), style: ({ free_at: at }) => (at !== undefined && Date.parse(at) <= now ? 'green' : 'yellow') },
  { title: 'because', cell: ({ reason }) => reason },
  { title: 'left', cell: ({ windows }) => leftText(windows) },
];

const shareLeft = ({ limit, used }: Window): number => (limit - used) / limit;

/** Of the window that is nearest to its end. */
function leftText(windows: readonly Window[] = []): string {
  const [least] = windows.toSorted((one, other) => shareLeft(one) - shareLeft(other));
  if (least === undefined) return '';
  const { limit, used, unit, seconds, source } = least;
  return `${count(Math.max(0, Math.floor(limit - used)))} of ${count(limit)} ${per(unit, seconds)}${source === undefined ? '' : ` (${source})`}`;
}

function freeText(at: string | undefined, now: number): string {
  if (at === undefined) return '';
  return Date.parse(at) <= now ? 'now' : `in ${until(at, now)}`;
}
