/** The connections to one origin, kept for as long as both sides like; and which of them it was that broke. */
import type { buildConnector, Pool } from 'undici';
import { createConnector, createPool } from './pool.ts';

export interface Connections {
  readonly dispatch: Pool['dispatch'];
  /** How many were made so far: to be asked before a call. */
  readonly made: () => number;
  /**
   * Whether this error broke one of the first `made`: the other side had closed it, and the call met that on its way. The
   * others it kept may have gone the same way, so none of them is used again.
   */
  readonly wasKept: (error: unknown, made: number) => boolean;
  readonly close: () => Promise<void>;
}

export function createConnections(origin: string, options: buildConnector.BuildOptions): Connections {
  const connector = createConnector(options);
  /** Which connection broke by which error: undici does not tell what a call went over. */
  const broke = new WeakMap<object, number>();
  const connect: buildConnector.connector = (to, done) =>
    connector(to, (...result) => {
      const number = (state.made += 1);
      result[1]?.on('error', (error: Error) => broke.set(error, number));
      done(...result);
    });
  // No pipelining: one slow answer must not hold back another. Silence is judged by the caller's deadlines.
  const open = (): Pool => createPool(origin, { connect, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const state = { made: 0, pool: open() };
  const leaving = new Set<Pool>();

  const renew = (): void => {
    const { pool } = state;
    state.pool = open();
    leaving.add(pool);
    void pool.close().catch(() => undefined).finally(() => leaving.delete(pool));
  };

  return {
    dispatch: (request, handler) => state.pool.dispatch(request, handler),
    made: () => state.made,
    wasKept(error, made) {
      const number = typeof error === 'object' && error !== null ? broke.get(error) : undefined;
      if (number === undefined || number > made) return false;
      renew();
      return true;
    },
    close: async () => void (await Promise.all([state.pool, ...leaving].map((pool) => pool.destroy()))),
  };
}
