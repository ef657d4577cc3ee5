/** Options several commands share. */
import { InvalidArgumentError, Option } from 'commander';
import type { Format } from './output.ts';

/** `--output`, the same on every command that prints a list. */
export const outputOption = (): Option => new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'csv'] satisfies Format[]).default('table');

/** `--output` where the data is no list of like rows. */
export const textOrJsonOption = (): Option => new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');

export const modelOption = (): Option => new Option('--model <name>', 'auto, auto:<rule>, an alias or <provider>/<model>').default('auto');

export const portOption = (description: string): Option => new Option('-p, --port <port>', description).argParser(parsePort);

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('a port is a number from 0 to 65535');
}

/** A parser for `--option <number>`. */
export const wholeNumber = (most: number) => (text: string): number => {
  if (/^\d{1,12}$/.test(text) && Number(text) <= most) return Number(text);
  throw new InvalidArgumentError(`must be a whole number, at most ${most}`);
};
