/** The package as others get it: packed, installed into an empty project, imported by its name, and type-checked. Needs the build. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..', '..');
const state: { project: string; simulators: Simulators } = { project: '', simulators: undefined as never };

/** As `npm install TARBALL` would, but with the dependencies of this repository: an empty machine has no registry to ask. */
async function install(project: string): Promise<void> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], { cwd: repository });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  const home = join(project, 'node_modules', 'tollfree');
  await mkdir(home, { recursive: true });
  await run('tar', ['xzf', join(project, packed?.filename ?? ''), '--strip-components=1', '-C', home]);
  const { dependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    const place = join(project, 'node_modules', name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(repository, 'node_modules', name), place);
  }
}

beforeAll(async () => {
  state.simulators = await startSimulators({ pace: { firstMs: 0, tokenMs: 0 } });
  state.project = await mkdtemp(join(tmpdir(), 'tollfree-package-'));
  await writeFile(join(state.project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }');
  await install(state.project);
}, 120_000);
afterAll(async () => {
  await state.simulators.close();
  await rm(state.project, { recursive: true, force: true });
});

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
  test('works in an empty project, and lets the process end', async () => {
    await writeFile(join(state.project, 'program.js'), program);
    const { stdout } = await run(process.execPath, ['program.js'], { cwd: state.project, env: { PATH: process.env['PATH'], TOLLFREE_BASE_URL_GROQ: state.simulators.baseUrls.groq }, timeout: 60_000 });
    expect(JSON.parse(stdout)).toMatchObject({ provider: 'groq', model: 'openai/gpt-oss-120b', cost: 0, saved: true, streamed: expect.any(Number) });
  }, 90_000);

  test('brings its types', async () => {
    await writeFile(join(state.project, 'program.ts'), `${program.replace("let words = ''", "let words: string = ''")}
const cost: number | undefined = result.cost;
// @ts-expect-error -- a number, not text
const wrong: string = client.totalCost;
// @ts-expect-error -- there is no such option
await client.chat('x', { warmth: 1 });
void [cost, wrong];
`);
    await writeFile(join(state.project, 'tsconfig.json'), '{ "compilerOptions": { "module": "nodenext", "target": "es2023", "strict": true, "noEmit": true, "types": ["node"] }, "files": ["program.ts"] }');
    const { stdout } = await run(process.execPath, [join(repository, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', state.project]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  }, 90_000);

  test('loads neither the daemon, the vault nor the log', async () => {
    await writeFile(join(state.project, 'loaded.js'), `import 'tollfree';\nimport { createRequire } from 'node:module';\nconsole.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'));\n`);
    const { stdout } = await run(process.execPath, ['loaded.js'], { cwd: state.project });
    expect(stdout).not.toMatch(/node_modules\/(express|winston|prom-client|sodium-native|@photostructure|commander)\//);
  }, 90_000);
});
