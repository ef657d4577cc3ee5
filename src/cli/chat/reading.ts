/** Questions as they are typed, over one line or many. */
import type { Interface } from 'node:readline';
import type { Paint } from '../context.ts';

export interface Reader {
  readonly reader: Interface;
  /** Ctrl-D, perhaps in the middle of an answer: what was typed ahead is still read, but there is nobody to prompt, which Node from 24 on takes for a mistake. */
  readonly hasLeft: () => boolean;
  /** Keeps what is typed ahead, while an answer streams or a paste brings many lines at once. */
  readonly typed: AsyncIterator<string, undefined>;
  readonly paint: Paint;
}

const BLOCK = '"""';

/** Lines that end in a backslash go on in the next; a block between three quotes keeps its lines as they are. Undefined when the person left. */
export async function readQuestion({ reader, hasLeft, typed, paint }: Reader): Promise<string | undefined> {
  const lines: string[] = [];
  for (;;) {
    reader.setPrompt(lines.length === 0 ? paint('cyan', '› ') : paint('dim', '… '));
    if (!hasLeft()) reader.prompt();
    const next = await typed.next();
    if (next.done === true) return undefined;
    const line = next.value;
    const goesOn = line.endsWith('\\');
    lines.push(goesOn ? line.slice(0, -1) : line);
    const text = lines.join('\n').trim();
    if (!text.startsWith(BLOCK)) {
      if (!goesOn) return text;
    } else if (text.length >= 2 * BLOCK.length && text.endsWith(BLOCK)) return text.slice(BLOCK.length, -BLOCK.length).trim();
  }
}
