/** `tollfree estimate`: tokens and price before anything is sent. */
import type { Command } from 'commander';
import { USUAL_OUTPUT } from '../http/dry-run.ts';
import type { Context } from './context.ts';
import { knowledgeOf } from './knowledge.ts';
import { count, usd } from './numbers.ts';
import { modelOption, outputOption, wholeNumber } from './options.ts';
import { printRows, type Format } from './output.ts';
import type { Column } from './table.ts';

interface Options {
  readonly model: string;
  readonly answerTokens: number;
  readonly output: Format;
}

interface Row {
  readonly provider: string;
  readonly model: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** USD. Absent: nobody knows. */
  readonly cost?: number;
  readonly list_price?: number;
}

export function registerEstimate(program: Command, context: Context): void {
  program
    .command('estimate')
    .description('tokens of a prompt, and what each candidate would cost, paid and by list price')
    .argument('<prompt>', 'what would be asked')
    .addOption(modelOption())
    .option('--answer-tokens <number>', 'how long the answer may be', wholeNumber(10_000_000), USUAL_OUTPUT)
    .addOption(outputOption())
    .action(async (prompt: string, { model, answerTokens, output }: Options) => {
      const knowledge = await knowledgeOf(context);
      const [{ tokens, candidates }, providers] = await Promise.all([knowledge.explain({ prompt, model }), knowledge.providers()]);
      const targets = new Map(candidates.map((candidate) => [`${candidate.provider}/${candidate.model}`, candidate]));
      const rows = [...targets.values()].map(({ provider, model: name }): Row => {
        const price = providers.find((each) => each.name === provider)?.models.find((each) => each.name === name)?.price;
        const cost = costOf(tokens, answerTokens, price?.input, price?.output);
        const list = costOf(tokens, answerTokens, price?.list_input, price?.list_output);
        return { provider, model: name, input_tokens: tokens, output_tokens: answerTokens, ...(cost !== undefined && { cost }), ...(list !== undefined && { list_price: list }) };
      });
      printRows(context, { format: output, rows, columns, empty: 'nobody could answer this; `tollfree explain` says why' });
    });
}

/** Prices are for a million tokens. */
const costOf = (input: number, output: number, inputPrice: number | undefined, outputPrice: number | undefined): number | undefined =>
  inputPrice === undefined || outputPrice === undefined ? undefined : (input * inputPrice + output * outputPrice) / 1_000_000;

const money = (value: number | undefined): string => (value === undefined ? 'unknown' : usd(value));

const columns: readonly Column<Row>[] = [
  { title: 'provider', cell: ({ provider }) => provider },
  { title: 'model', cell: ({ model }) => model },
  { title: 'asked', cell: (row) => row.input_tokens, show: (row) => count(row.input_tokens), align: 'right' },
  { title: 'answered', cell: (row) => row.output_tokens, show: (row) => count(row.output_tokens), align: 'right' },
  { title: 'cost', cell: ({ cost }) => cost, show: ({ cost }) => money(cost), align: 'right' },
  { title: 'list price', cell: (row) => row.list_price, show: (row) => money(row.list_price), align: 'right' },
];
