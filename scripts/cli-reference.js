/** Writes docs/cli.md from the help texts. Needs `npm run build` first. */
import { writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { createSink, processContext } from '../dist/cli/context.js';
import { createProgram } from '../dist/cli/program.js';
import { renderReference } from '../dist/cli/reference.js';

// No terminal: the page must not depend on the window it was written in.
const sink = createSink(new PassThrough(), {});
writeFileSync(new URL('../docs/cli.md', import.meta.url), renderReference(await createProgram({ ...processContext(), out: sink, words: sink })));
