/**
 * The log's own file. winston's stops without a word when the disk is full, and whoever waits for its end waits for ever;
 * this one throws, begins anew at the next write, and leaves no half line behind.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import { writeWhole } from '../files.ts';

export interface LogFileOptions {
  readonly path: string;
  /** Reached, the file steps aside: `tollfree.log` becomes `tollfree1.log`, that `tollfree2.log`. */
  readonly maxSizeBytes: number;
  /** This one included. */
  readonly maxFiles: number;
}

export interface LogFile {
  /** All of the text or none of it. Throws what the system says. */
  readonly write: (text: string) => void;
  readonly close: () => void;
}

interface Open {
  readonly descriptor: number;
  bytes: number;
}

const OWNER_ONLY = 0o600;

export function createLogFile({ path, maxSizeBytes, maxFiles }: LogFileOptions): LogFile {
  const state: { file: Open | undefined } = { file: undefined };

  const open = (): Open => {
    const descriptor = openSync(path, 'a', OWNER_ONLY);
    return (state.file = { descriptor, bytes: fstatSync(descriptor).size });
  };

  const close = (): void => {
    if (state.file !== undefined) closeSync(state.file.descriptor);
    state.file = undefined;
  };

  const stepAside = (): void => {
    close();
    for (let number = maxFiles - 1; number > 0; number -= 1) renameIfThere(numbered(path, number - 1), numbered(path, number));
    // With room for one file only, it starts over.
    if (maxFiles <= 1) closeSync(openSync(path, 'w', OWNER_ONLY));
  };

  return {
    write(text) {
      const bytes = Buffer.from(text);
      let file = state.file ?? open();
      if (file.bytes > 0 && file.bytes + bytes.length > maxSizeBytes) {
        stepAside();
        file = open();
      }
      try {
        writeWhole(file.descriptor, bytes);
        file.bytes += bytes.length;
      } catch (error) {
        takeBack(file);
        // Opened anew next time: a file that somebody deletes to make room gives none while it is held.
        close();
        throw error;
      }
    },
    close,
  };
}

const numbered = (path: string, number: number): string => (number === 0 ? path : path.replace(/(\.\w+)$/, `${number}$1`));

function renameIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}

function takeBack({ descriptor, bytes }: Open): void {
  try {
    ftruncateSync(descriptor, bytes);
  } catch {
    // A device, or a disk that refuses even that: a cut line is all there is to lose.
  }
}
