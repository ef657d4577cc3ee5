/** `npm run setup`: the same as `tollfree setup`. */
import process from 'node:process';
import { processContext } from '../dist/cli/context.js';
import { run } from '../dist/cli/program.js';

process.exitCode = await run(['setup', ...process.argv.slice(2)], processContext());
