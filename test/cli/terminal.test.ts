/** The programs of the terminal at a real pseudo-terminal, against the real daemon. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../../src/cli/text.ts';
import { hello, startSystem, type System } from '../support/system.ts';
import { program } from './process.ts';
import { atTerminal, ENTER, hasTerminals, type Session, type Size, type Step } from './pty.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

const state: { system?: System } = {};
beforeAll(async () => {
  // Slow enough that somebody can press Ctrl-C in the middle of an answer.
  state.system = await startSystem({ accounts: { groq: ['grace', 'gus'] }, simulators: { pace: { firstMs: 0, tokenMs: 60 } } });
});
afterAll(() => state.system?.close());

const at = (sees: string, types: string): Step => ({ sees, types });

function system(): System {
  if (state.system === undefined) throw new Error('the system did not start');
  return state.system;
}

function sit(commandLine: readonly string[], steps: readonly Step[], size?: Size): Promise<Session> {
  const { environment, daemon } = system();
  return atTerminal([process.execPath, program, ...commandLine], { ...environment, TOLLFREE_PORT: String(daemon.port) }, steps, size);
}

if (!hasTerminals) process.stdout.write('left out: programs at a pseudo-terminal (needs python3)\n');

(hasTerminals ? describe : describe.skip)('at a terminal', () => {
  test('chat: Ctrl-C stops the answer and not the program, Markdown is drawn, Ctrl-D leaves', async () => {
    const { screen, raw, status } = await sit(['chat'], [
      at('/help lists the commands', `Write a Python function that adds up a list${ENTER}`),
      at('def solve', CTRL_C),
      at('stopped; /retry asks again', `/mod`),
      at('/mod', '\t'),
      // What Tab adds is all that is new on the screen.
      at('el ', `auto:general${ENTER}`),
      at('auto:general', `/retry${ENTER}`),
      at('rule general', CTRL_C),
      at('/quit or Ctrl-D leaves', CTRL_D),
    ]);
    expect(status).toBe(0);
    expect(screen).toContain('account g');
    // The first answer was stopped before its last words, the second was not.
    expect(screen.split('account ')).toHaveLength(2);
    expect(raw).toContain('\u001B[36m solve');
  });

  test.each([
    [['status'], 'grace'],
    [['stats', '--by', 'model'], '(UTC)'],
    [['models'], 'openai/gpt-oss-120b'],
    [['explain', 'Write a Python function'], 'code_generation'],
    [['estimate', 'Write a Python function'], 'openai/gpt-oss-120b'],
    [['accounts', 'list'], 'grace'],
  ])('%j fits a narrow window, and says what it is asked for', async (commandLine, word) => {
    const { screen, status } = await sit(commandLine, [], { rows: 40, columns: 60 });
    expect(status).toBe(0);
    expect(screen).toContain(word);
    for (const line of screen.split(/\r?\n/)) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });

  test('logs --follow shows requests as they are answered, until Ctrl-C', async () => {
    const following = { over: false };
    const session = sit(['logs', '--follow', '--lines', '0'], [at('200  ', CTRL_C)]).finally(() => { following.over = true; });
    while (!following.over) await system().chat({ ...hello('Write a Python function'), max_tokens: 5 }).then((answer) => answer.text());
    const { screen, status } = await session;
    expect(status).toBe(0);
    expect(screen).toMatch(/200 {2}code_generation \(python, function\) {2}groq\/g/);
  });

  test('status --watch follows the window, and gives the screen back', async () => {
    const { raw, status } = await sit(['status', '--watch'], [
      { sees: 'grace', types: '', resizes: { rows: 9, columns: 50 } },
      { sees: 'grace', types: CTRL_C },
    ]);
    expect(status).toBe(0);
    expect(raw.startsWith('\u001B[?1049h')).toBe(true);
    expect(raw.trimEnd().endsWith('\u001B[?1049l')).toBe(true);
    const last = stripVTControlCharacters(raw.split('\u001B[H').at(-1) ?? '').split(/\r?\n/);
    expect(last.length).toBeLessThan(9);
    for (const line of last) expect(widthOf(line)).toBeLessThanOrEqual(50);
  });
});
