/** `tollfree sim`: the simulated providers alone. */
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { validate } from '../config/validate.ts';
import { faultsSchema, type FaultRuleInput } from '../sim/fault-table.ts';
import { limitsSchema, type LimitsInput } from '../sim/limits.ts';
import { startSimulators } from '../sim/simulators.ts';
import type { Context } from './context.ts';
import { portOption, wholeNumber } from './options.ts';
import { printLines } from './output.ts';

interface Options {
  readonly port: number;
  readonly limits?: string;
  readonly faults?: string;
  readonly tokenMs: number;
}

/** Fixed, so that the lines of a test setup stay the same from one start to the next. */
const USUAL_PORT = 4010;

export function registerSim(program: Command, context: Context): void {
  program
    .command('sim')
    .description('simulated OpenRouter, Groq and Cerebras, until Ctrl-C; prints where they are as environment lines')
    .addOption(portOption('port to listen on; 0: any free one').default(USUAL_PORT))
    .option('--limits <file>', 'other limits than the free tiers of autumn 2026 (YAML or JSON)')
    .option('--faults <file>', 'what goes wrong, and for whom (YAML or JSON)')
    .option('--token-ms <milliseconds>', 'pause between two tokens of a stream', wholeNumber(60_000), 1)
    .action(async ({ port, limits, faults, tokenMs }: Options) => {
      const signal = context.stopped();
      const rules = faults === undefined ? [] : await readFaults(context, faults);
      // A provider can be down alone only on a port of its own.
      const ports = rules.some(({ fault }) => fault.kind === 'refused') ? 'each' : 'one';
      const simulators = await startSimulators({ port, ports, faults: rules, pace: { tokenMs }, ...(limits !== undefined && { limits: await readLimits(context, limits) }) });
      printLines(context, Object.entries(simulators.baseUrls).map(([provider, url]) => `TOLLFREE_BASE_URL_${provider.toUpperCase()}=${url}`));
      context.words.write('simulating; any key sim-<provider>-<name> is an account of its own. Ctrl-C ends\n');
      if (!signal.aborted) await once(signal, 'abort');
      await simulators.close();
    });
}

/** In the words of the file, checked at their places; `startSimulators` reads them as it does for everybody. */
async function readLimits({ directory }: Context, file: string): Promise<LimitsInput> {
  const text = await readFile(resolve(directory, file), 'utf8');
  validate({ text, file }, limitsSchema);
  return parse(text) as LimitsInput;
}

async function readFaults({ directory }: Context, file: string): Promise<readonly FaultRuleInput[]> {
  return validate({ text: await readFile(resolve(directory, file), 'utf8'), file }, faultsSchema).faults;
}
