/** The package as others get it: packed, installed by npm into an empty project, imported by its name, type-checked and bundled. Needs the build. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..', '..');
const state: { project: string; simulators: Simulators } = { project: '', simulators: undefined as never };

const write = (name: string, text: string): Promise<void> => writeFile(join(state.project, name), text);
const readLock = async (place: string): Promise<{ packages: Record<string, { dev?: boolean }> }> => JSON.parse(await readFile(join(place, 'package-lock.json'), 'utf8')) as never;

/** Of the versions in this repository's lock file: `npm ci` has left those in npm's cache, and no registry needs to be asked. */
async function install(): Promise<void> {
  const { packages } = await readLock(repository);
  const needed = Object.entries(packages).filter(([place, { dev }]) => place !== '' && dev !== true);
  await write('package.json', '{ "name": "empty", "private": true, "type": "module" }');
  await write('package-lock.json', JSON.stringify({ name: 'empty', lockfileVersion: 3, packages: { '': { name: 'empty' }, ...Object.fromEntries(needed) } }));
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', state.project], { cwd: repository });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  await run('npm', ['install', '--prefer-offline', `./${packed?.filename}`], { cwd: state.project });
}

const node = async (...commandLine: readonly string[]): Promise<string> => {
  const env = { PATH: process.env['PATH'], TOLLFREE_BASE_URL_GROQ: state.simulators.baseUrls.groq, GROQ_API_KEY: 'sim-groq-two' };
  return (await run(process.execPath, commandLine, { cwd: state.project, env, timeout: 150_000 })).stdout;
};

beforeAll(async () => {
  state.simulators = await startSimulators({ pace: { firstMs: 0, tokenMs: 0 } });
  state.project = await mkdtemp(join(tmpdir(), 'tollfree-package-'));
  await install();
}, 300_000);
afterAll(async () => {
  await state.simulators.close();
  await rm(state.project, { recursive: true, force: true });
});

/** Of a program that uses one name of the package. */
async function bundled(name: string): Promise<readonly string[]> {
  const { metafile } = await build({ stdin: { contents: `import { ${name} } from 'tollfree'; console.log(${name});`, resolveDir: state.project }, bundle: true, platform: 'node', format: 'esm', write: false, metafile: true });
  return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((input) => (inputs[input]?.bytesInOutput ?? 0) > 0)).map((input) => input.replace(/^.*node_modules\//, ''));
}

/** What the compiler has against it. */
const compile = async (name: string, chosen: object, file: string): Promise<string> => {
  const compilerOptions = { target: 'es2023', lib: ['es2023', 'dom'], types: [], strict: true, exactOptionalPropertyTypes: true, ...chosen };
  await write(name, JSON.stringify({ compilerOptions, files: [file] }));
  return node(join(repository, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', name).catch((error: { readonly stdout: string }) => error.stdout);
};

const page = readFileSync(join(repository, 'docs', 'library.md'), 'utf8');

const program = `import { createClient } from 'tollfree';
const client = createClient({ accounts: [{ provider: 'groq', key: 'sim-groq-one' }] });
const result = await client.chat('hello', { model: 'openai/gpt-oss-120b', maxTokens: 200 });
const stream = client.stream('hello');
let words = '';
for await (const word of stream) words += word;
console.log(JSON.stringify({ ...result, streamed: words.length, saved: client.totalSaved > 0 }));
await client.close();
`;

describe('the package', () => {
  test('brings all it needs, and nothing of another version', async () => {
    const { packages } = await readLock(state.project);
    const ours = await readLock(repository);
    const installed = Object.keys(packages).filter((place) => place !== '' && place !== 'node_modules/tollfree');
    expect(installed.length).toBeGreaterThan(50);
    expect(installed.filter((place) => !(place in ours.packages))).toEqual([]);
  });

  test('works in an empty project, and lets the process end', async () => {
    await write('program.js', program);
    expect(JSON.parse(await node('program.js'))).toMatchObject({ provider: 'groq', model: 'openai/gpt-oss-120b', cost: 0, saved: true, streamed: expect.any(Number) });
  });

  test('does what docs/library.md shows, and has what it lists, no more', async () => {
    const programs = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text);
    expect(programs.length).toBeGreaterThan(3);
    const said: string[] = [];
    for (const [number, text] of programs.entries()) {
      await write('shown.ts', text);
      expect([number, await compile('shown.json', { module: 'nodenext', outDir: 'compiled', types: ['node'], typeRoots: [join(repository, 'node_modules', '@types')] }, 'shown.ts')]).toEqual([number, '']);
      said.push(await node('compiled/shown.js'));
    }
    expect(said).toEqual([expect.stringMatching(/groq, \d+ tokens in, \d+ out\nUS \$ 0\n$/), expect.stringMatching(/\nstop, saved 0\.\d+\n$/), expect.stringMatching(/^groq: ok\ntrue 0\.\d+\ngroq: ok\nopenai\/gpt-oss-120b\n$/), expect.stringContaining('no-such-model')]);

    const told = [...page.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)/g)].map(([, name = '']) => name));
    const typed = await Promise.all([['request', 'ChatOptions'], ['answers', 'ChatResult'], ['client', 'Client'], ['client', 'ClientOptions'], ['configuration', 'ConfigurationOptions']].map(async ([file = '', name = '']) => {
      const types = await readFile(join(state.project, 'node_modules', 'tollfree', 'dist', 'client', `${file}.d.ts`), 'utf8');
      const [, fields = ''] = new RegExp(`interface ${name} [^{]*\\{([\\s\\S]*?)\\n\\}`).exec(types) ?? [];
      return [...fields.matchAll(/readonly (\w+)\??:/g)].map(([, field = '']) => field);
    }));
    expect(told.toSorted()).toEqual(typed.flat().toSorted());
  });

  test('brings its types, which need no others', async () => {
    await write('program.ts', `${program.replace("let words = ''", "let words: string = ''")}
const cost: number | undefined = result.cost;
// @ts-expect-error -- a number, not text
const wrong: string = client.totalCost;
// @ts-expect-error -- there is no such option
export const warm = () => client.chat('x', { warmth: 1 });
void [cost, wrong];
`);
    expect(await compile('bundler.json', { module: 'preserve', moduleResolution: 'bundler', noEmit: true }, 'program.ts')).toBe('');
    expect(await compile('nodenext.json', { module: 'nodenext', outDir: 'compiled' }, 'program.ts')).toBe('');
    expect(JSON.parse(await node('compiled/program.js'))).toMatchObject({ provider: 'groq', saved: true });
  });

  test('loads neither the daemon, the vault nor the log', async () => {
    await write('loaded.js', `import 'tollfree';\nimport { createRequire } from 'node:module';\nconsole.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'));\n`);
    expect(await node('loaded.js')).not.toMatch(/node_modules\/(express|winston|prom-client|sodium-native|@photostructure|commander)\//);
  });

  test('leaves out of a bundle what is not used', async () => {
    expect((await bundled('ConfigError')).filter((input) => input !== '<stdin>')).toEqual(['tollfree/dist/config/problems.js']);
    expect(await bundled('createClient')).toContain('tollfree/dist/gateway.js');
  });

  test('opens nothing but its entrance', async () => {
    await write('inside.js', `await import('tollfree/dist/main.js').catch(({ code }) => console.log(code));\n`);
    expect((await node('inside.js')).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('brings its command, and all that this needs', async () => {
    const { stdout } = await run(join(state.project, 'node_modules', '.bin', 'tollfree'), ['demo', '--once'], { cwd: state.project, env: { PATH: process.env['PATH'] } });
    expect(stdout).toContain('all ended, nothing left behind');
  });
});
