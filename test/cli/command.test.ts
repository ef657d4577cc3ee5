import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { renderReference } from '../../src/cli/reference.ts';
import { createStage, tollfree } from './context.ts';
import { runProgram } from './process.ts';

const everyCommand = (command: Command, path: readonly string[] = []): readonly (readonly string[])[] => [path, ...command.commands.flatMap((child) => everyCommand(child, [...path, child.name()]))];

const help = async (environment: NodeJS.ProcessEnv, columns?: number): Promise<string> => (await tollfree(['--help'], { environment, ...(columns !== undefined && { columns }) })).out;

/** A port nobody listens on: one that was free a moment ago. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

const program = await createProgram(createStage().context);
const paths = everyCommand(program);

describe('the command', () => {

  test.each(paths.map((path) => [path.join(' '), path] as const))('tollfree %s --help says how it is used', async (_, path) => {
    const { status, out, words } = await tollfree([...path, '--help']);
    expect({ status, words }).toEqual({ status: 0, words: '' });
    expect(out).toContain(`Usage: tollfree ${path.join(' ')}`.trimEnd());
    expect(out).toContain('--help');
  });

  test('docs/cli.md holds these very texts', () => {
    expect(readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')).toBe(renderReference(program));
  });

  test.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['status', '--nonsense'], "unknown option '--nonsense'"],
    [['status', '--output', 'yaml'], 'Allowed choices are table, json, csv'],
    [['explain'], "missing required argument 'prompt'"],
    [['sim', '--port', '70000'], 'a port is a number from 0 to 65535'],
    [[], 'Usage: tollfree'],
  ])('%j is used wrongly: status 2, and words on stderr alone', async (commandLine, message) => {
    const { status, out, words } = await tollfree(commandLine);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(words).toContain(message);
  });

  test.each([['status'], ['chat', '--message', 'hello']])('without a daemon %s says how to start one', async (...commandLine) => {
    const port = await closedPort();
    const { status, out, words } = await tollfree(commandLine, { environment: { TOLLFREE_PORT: port } });
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(words).toBe(`error: no daemon answers at 127.0.0.1:${port}\n  hint: start it with \`npm start\`, or set TOLLFREE_HOST and TOLLFREE_PORT to where it runs\n`);
  });

  test('a wrong TOLLFREE_PORT is named', async () => {
    const { status, words } = await tollfree(['status'], { environment: { TOLLFREE_PORT: 'http' } });
    expect(status).toBe(1);
    expect(words).toContain('TOLLFREE_PORT "http" is not a port');
  });

  test('colour on a terminal, never with NO_COLOR, never piped', async () => {
    expect(await help({}, 80)).toContain('\u001B[');
    expect(await help({ NO_COLOR: '1' }, 80)).not.toContain('\u001B[');
    expect(await help({ TERM: 'dumb' }, 80)).not.toContain('\u001B[');
    expect(await help({ FORCE_COLOR: '1' })).not.toContain('\u001B[');
  });
});

describe('as a process', () => {
  test('data on stdout, words on stderr, the exit status of what happened', async () => {
    const [version, wrong] = await Promise.all([runProgram(['--version']), runProgram(['nonsense'])]);
    expect(version).toMatchObject({ status: 0, words: '' });
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(wrong).toMatchObject({ status: 2, out: '' });
  });
});
