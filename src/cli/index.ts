#!/usr/bin/env node
/** The `tollfree` command: this process's streams and signals, handed to {@link run}. */
import { processContext } from './context.ts';
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2), processContext());
