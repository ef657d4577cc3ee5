/**
 * undici's pool of connections and how it makes them, and nothing else of undici: what its front door brings along (fetch,
 * WebSockets, caches, mocks) costs 45 ms of each start and 9 MB for as long as the process lives (7.30, Node 20.20). Its version is pinned.
 */
import buildConnector from 'undici/lib/core/connect.js';
import UndiciPool from 'undici/lib/dispatcher/pool.js';
import type { Pool } from 'undici';

export const createConnector: typeof buildConnector = buildConnector;
export const createPool = (origin: string, options: Pool.Options): Pool => new UndiciPool(origin, options);
