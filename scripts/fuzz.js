/** Mutations of recorded answers and good requests, so many a case: `npm run fuzz -- --runs 100000`. A failure prints its seed and the shortest input. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '100000' } } });
if (!/^[1-9]\d{0,8}$/.test(values.runs)) {
  process.stderr.write(`error: --runs must be a whole number from 1 on, not ${values.runs}\n`);
  process.exit(2);
}
const jest = [join(import.meta.dirname, '..', 'node_modules', 'jest', 'bin', 'jest.js'), '--runInBand', 'test/faults/fuzz', '--reporters', './scripts/faults-reporter.js'];
const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings', ...jest], { cwd: join(import.meta.dirname, '..'), env: { ...process.env, FUZZ_RUNS: values.runs }, stdio: 'inherit' });
const [code] = await once(child, 'exit');
process.exitCode = code ?? 1;
