/** What everything else stands on: the time, the settings, the data directory for ourselves alone, and somebody to tell. */
import { readConfig } from '../config/reloading.ts';
import { loadSettings } from '../config/settings.ts';
import type { Settings } from '../config/settings.ts';
import { createLog } from '../observe/log.ts';
import type { LogOptions, SinkName } from '../observe/log.ts';
import { redactEvent } from '../observe/redact-event.ts';
import type { Clock, Emit, GatewayEvent } from '../types.ts';
import { lockDataDirectory } from '../vault/daemon-lock.ts';
import type { Cleanup } from './cleanup.ts';
import { createSteadyClock } from './clock.ts';
import { logLevelFrom, placesOf, refuseSharing } from './environment.ts';
import type { Places } from './environment.ts';

export interface BaseOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** What relative paths start from. */
  readonly directory: string;
  /** Where log lines are shown besides the file. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export interface Base {
  readonly now: Clock;
  readonly places: Places;
  readonly settings: Settings;
  readonly emit: Emit;
  readonly listen: (listener: (event: GatewayEvent) => void) => void;
  /** Tells what happened in a worker, which is told to whoever does not hear of it there. */
  readonly relay: Emit;
  /** Hears of this process alone. */
  readonly listenHere: Base['listen'];
}

/** Throws ConfigError, and VaultError where another daemon serves the directory. */
export async function openBase(options: BaseOptions, cleanup: Cleanup): Promise<Base> {
  refuseSharing(options.environment);
  const now = createSteadyClock();
  const places = placesOf(options.environment, options.directory);
  const settings = loadSettings(readConfig(places.settings), places.settings);
  const lock = await lockDataDirectory({ directory: places.dataDirectory, pid: process.pid, now });
  cleanup.add(() => lock.release());

  const listeners: ((event: GatewayEvent) => void)[] = [];
  const listenersHere: ((event: GatewayEvent) => void)[] = [];
  const relay = (event: GatewayEvent): GatewayEvent => {
    const told = redactEvent(event);
    for (const listener of listeners) listener(told);
    return told;
  };
  const emit: Emit = (event) => {
    const told = relay(event);
    for (const listener of listenersHere) listener(told);
  };
  const listen: Base['listen'] = (listener) => void listeners.push(listener);
  const log = createLog({ ...logOptions(settings, options, places.dataDirectory), onTrouble: (...trouble) => emit(logTrouble(...trouble)) });
  cleanup.add(() => log.close());
  listen(log.observe);
  return { now, places, settings, emit, listen, relay, listenHere: (listener) => void listenersHere.push(listener) };
}

function logTrouble(part: SinkName, problem: string | undefined, lost: number): GatewayEvent {
  return problem === undefined
    ? { type: 'notice', level: 'info', part, message: `the ${part} is written again`, fields: { lost_lines: lost } }
    : { type: 'notice', level: 'error', part, message: `the ${part} cannot be written: ${problem}. requests go on and their lines are lost until it can; free some space` };
}

function logOptions({ log }: Settings, { environment, stream }: BaseOptions, directory: string): Omit<LogOptions, 'onTrouble'> {
  const style = log.format === 'auto' ? (stream?.isTTY === true ? 'pretty' : 'json') : log.format;
  return {
    level: logLevelFrom(environment) ?? log.level,
    bodies: log.bodies,
    style,
    ...(stream && { stream }),
    ...(log.file && { directory }),
    maxSizeBytes: log.maxSizeBytes,
    maxFiles: log.maxFiles,
  };
}
