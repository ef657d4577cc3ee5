/** A record that looks as if a daemon had served for months: rows made by SQLite itself, a few microseconds each. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeDatabase, openDatabase, transaction } from '../../dist/usage/database.js';

const AT_ONCE = 100_000;
const DAYS = 80;

const numbers = (first, last) => `with recursive numbers(n) as (values (${first}) union all select n + 1 from numbers where n < ${last})`;

/** @param rows how many requests; each has one attempt */
export function fillRecord(dataDirectory, rows) {
  const directory = join(dataDirectory, 'record');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const database = openDatabase(join(directory, 'record.db'));
  const from = Date.now() - DAYS * 86_400_000;
  const apart = Math.floor((DAYS * 86_400_000) / rows);
  const at = `${from} + n * ${apart}`;
  database.exec('pragma synchronous = off');
  for (let first = 1; first <= rows; first += AT_ONCE) {
    const last = Math.min(rows, first + AT_ONCE - 1);
    transaction(database, () => {
      database.exec(`${numbers(first, last)} insert into requests
        (id, request_id, received_at, key_id, key, project, surface, stream, asked_model, rule, provider, model, account, status, tokens_in, tokens_out, cost_nano_usd, saved_nano_usd, queue_ms, first_content_ms, total_ms, overhead_ms)
        select n, printf('req_%032x', n), ${at}, 'vk_' || n % 20, 'key-' || n % 20, 'project-' || n % 5, 'chat', n % 2, 'auto', 'general', 'groq', 'bench-model', 'bench-' || n % 10, 200, 800, 300, 0, 300000, 0, 200, 900, 1 from numbers`);
      database.exec(`${numbers(first, last)} insert into attempts (request, number, provider, model, account, outcome, started_at, first_content_ms, total_ms)
        select n, 0, 'groq', 'bench-model', 'bench-' || n % 10, 'ok', ${at}, 200, 900 from numbers`);
    });
  }
  database.exec(`insert into days (day, key_id, key, project, provider, model, account, requests, attempts, tokens_in, tokens_out)
    select date(received_at / 1000, 'unixepoch'), key_id, key, project, provider, model, account, count(*), count(*), sum(tokens_in), sum(tokens_out) from requests group by 1, 2, 3, 4, 5, 6, 7`);
  closeDatabase(database);
}
