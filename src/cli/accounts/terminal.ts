/** Questions to a person at a terminal. They go to stderr: stdout is for data. */
import { autocomplete, type CANCEL_SYMBOL, confirm, intro, isCancel, log, note, outro, password, select, spinner, text } from '@clack/prompts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

/** What is wrong with an answer; undefined where nothing is. */
export type Judge = (answer: string) => string | undefined;

export interface Terminal {
  /** Shows nothing of what is typed but its length. */
  readonly hidden: (question: string, judge?: Judge) => Promise<string>;
  readonly text: (question: string, options?: { readonly initial?: string; readonly judge?: Judge }) => Promise<string>;
  readonly choose: (question: string, choices: readonly Choice[]) => Promise<string>;
  /** As `choose`, narrowed down by typing. */
  readonly search: (question: string, choices: readonly Choice[]) => Promise<string>;
  readonly confirm: (question: string, initial?: boolean) => Promise<boolean>;
  readonly busy: <T>(doing: string, job: () => Promise<T>, done: (result: T) => string) => Promise<T>;
  readonly say: (words: string) => void;
  readonly warn: (words: string) => void;
  readonly note: (title: string, words: string) => void;
  readonly open: (title: string) => void;
  readonly close: (words: string) => void;
}

/** Undefined where nobody is there to answer. */
export function terminalOf({ stdin, words, stopped }: Context): Terminal | undefined {
  if (stdin.isTTY !== true || !words.terminal) return undefined;
  const streams = { input: stdin, output: words.stream };
  return {
    hidden: async (message, judge) => answered(await password({ message, ...streams, ...validation(judge) })),
    text: async (message, { initial, judge } = {}) => answered(await text({ message, ...streams, ...(initial !== undefined && { initialValue: initial }), ...validation(judge) })),
    choose: async (message, choices) => answered(await select<string>({ message, ...streams, options: [...choices] })),
    search: async (message, choices) => answered(await autocomplete<string>({ message, ...streams, options: [...choices], maxItems: 10 })),
    confirm: async (message, initial = true) => answered(await confirm({ message, ...streams, initialValue: initial })),
    busy: async (doing, job, done) => {
      const spinning = spinner({ output: words.stream, signal: stopped() });
      spinning.start(doing);
      try {
        const result = await job();
        spinning.stop(done(result));
        return result;
      } catch (error) {
        spinning.error(doing);
        throw error;
      }
    },
    say: (message) => log.info(message, { output: words.stream }),
    warn: (message) => log.warn(message, { output: words.stream }),
    note: (title, message) => note(message, title, { output: words.stream }),
    open: (title) => intro(title, { output: words.stream }),
    close: (message) => outro(message, { output: words.stream }),
  };
}

const validation = (judge: Judge | undefined): { readonly validate?: (answer: string | undefined) => string | undefined } => (judge === undefined ? {} : { validate: (answer = '') => judge(answer) });

function answered<T extends string | boolean>(answer: T | typeof CANCEL_SYMBOL): T {
  if (isCancel(answer)) throw new CommandError('stopped', { hint: 'what was added before stays' });
  return answer;
}
