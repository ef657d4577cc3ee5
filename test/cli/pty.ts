/** A person at a terminal: waits for words on the screen, then types. By way of Python's pty, the one pseudo-terminal most machines have. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

export interface Step {
  /** Waited for, in what is new on the screen. */
  readonly sees: string;
  readonly types: string;
  /** Before it is typed the window becomes so large. */
  readonly resizes?: Size;
}

export interface Session {
  /** All that was on the screen, without colours and cursor movements. */
  readonly screen: string;
  /** The same, as the terminal got it. */
  readonly raw: string;
  readonly status: number;
}

export const hasTerminals = spawnSync('python3', ['-c', 'import pty, fcntl, termios']).status === 0;

export const ENTER = '\r';
export const UP = '\u001b[A';
export const DOWN = '\u001b[B';

const driver = `
import fcntl, json, os, pty, re, select, struct, sys, termios, time
size, steps = json.load(sys.stdin)
pid, screen = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
resize = lambda rows, columns: fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
resize(**size)
seen, fresh, deadline = b'', b'', time.time() + 150
plain = lambda raw: re.sub(rb'\\x1b\\[[0-9;?]*[A-Za-z]', b'', raw).decode(errors='replace')
while time.time() < deadline:
    ready, _, _ = select.select([screen], [], [], 0.02)
    if ready:
        try:
            piece = os.read(screen, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
        fresh += piece
    elif steps and steps[0]['sees'] in plain(fresh):
        step, fresh = steps.pop(0), b''
        if 'resizes' in step:
            resize(**step['resizes'])
        os.write(screen, step['types'].encode())
else:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
os.write(1, seen)
sys.exit(os.waitstatus_to_exitcode(status) if not steps else 99)
`;

const LARGE: Size = { rows: 50, columns: 150 };

/** Runs a command at a terminal. Status 99: some words were never seen. */
export async function atTerminal(commandLine: readonly string[], environment: NodeJS.ProcessEnv, steps: readonly Step[], size = LARGE): Promise<Session> {
  const child = spawn('python3', ['-c', driver, ...commandLine], { env: { PATH: process.env['PATH'], TERM: 'xterm', ...environment }, stdio: ['pipe', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stdin.end(JSON.stringify([size, steps]));
  const [status] = (await once(child, 'close')) as [number];
  const raw = Buffer.concat(pieces).toString();
  return { screen: stripVTControlCharacters(raw), raw, status };
}
