/** What may stand where the cursor is. */
import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** Names only this machine knows, asked for when they are needed: `provider`, `label`, `model`. */
export type Names = (of: string) => Promise<readonly string[]>;

/** `words`: what follows the program's name, up to the cursor; the last one is being typed, and may be empty. */
export async function candidatesFor(program: Command, words: readonly string[], names: Names): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? '';
  const { command, option, position } = walk(program, words.slice(0, -1));
  const found = option !== undefined ? await valuesOf(option, nameOf(option), names) : current.startsWith('-') ? optionsOf(command) : await wordsOf(command, position, names);
  return found.filter(({ word }) => word.startsWith(current));
}

interface Place {
  readonly command: Command;
  /** Its value comes next. */
  readonly option?: Option;
  /** Arguments given so far. */
  readonly position: number;
}

function walk(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, position: 0 };
  for (const word of words) place = step(place, word);
  return place;
}

function step({ command, option, position }: Place, word: string): Place {
  if (option !== undefined) return { command, position };
  const named = command.options.find(({ long, short }) => word === long || word === short);
  if (named !== undefined) return { command, position, ...(takesValue(named) && { option: named }) };
  if (word.startsWith('-')) return { command, position };
  const child = command.commands.find((each) => each.name() === word);
  return child === undefined ? { command, position: position + 1 } : { command: child, position: 0 };
}

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** `--model <name>` wants a model, `--provider <name>` a provider. */
const nameOf = ({ long = '' }: Option): string => long.replace(/^--/, '');

function optionsOf(command: Command): Candidate[] {
  return command.createHelp().visibleOptions(command).flatMap(({ long, description }) => (long === undefined ? [] : [{ word: long, about: description }]));
}

async function wordsOf(command: Command, position: number, names: Names): Promise<Candidate[]> {
  const argument = command.registeredArguments[position];
  const children = position === 0 ? command.createHelp().visibleCommands(command).map((child) => ({ word: child.name(), about: child.description() })) : [];
  return argument === undefined ? children : [...children, ...(await valuesOf(argument, argument.name(), names))];
}

async function valuesOf({ argChoices }: Option | Argument, name: string, names: Names): Promise<Candidate[]> {
  return (argChoices ?? (await names(name))).map((word) => ({ word, about: '' }));
}
