import { describe, expect, test } from '@jest/globals';
import { loadSettings } from '../../src/config/settings.ts';
import { told } from './told.ts';

const load = (text: string) => loadSettings(text, 'config/tollfree.yaml');

describe('settings', () => {
  test('an empty file is a good configuration, and so is one with every line commented out', () => {
    const defaults = load('');
    expect(defaults.server).toEqual({ host: '127.0.0.1', port: 8_000, bodyLimitBytes: 33_554_432, allowedHosts: [], drainMs: 30_000, workers: 1 });
    expect(defaults.freeOnly).toBe(true);
    expect(load('# nothing\n---\n')).toEqual(defaults);
    expect(load('server:\n  # port: 8000\nlog:\n  # level: info\n')).toEqual(defaults);
  });

  test('what is written goes before the default, and its neighbours keep theirs', () => {
    const settings = load('server: { port: 9000, body_limit: 1MiB }\ndeadlines: { total: 1h }\nfree_only: false\n');
    expect(settings.server).toMatchObject({ host: '127.0.0.1', port: 9_000, bodyLimitBytes: 1_048_576 });
    expect(settings.deadlines).toMatchObject({ totalMs: 3_600_000, stallMs: 20_000 });
    expect(settings.freeOnly).toBe(false);
  });

  test('the record is kept for longer than a timer can run, and never for ever', () => {
    expect(load('').record).toEqual({ requestsMs: 30 * 86_400_000, mostRequests: 1_000_000, totalsMs: 400 * 86_400_000 });
    expect(load('record: { keep_requests: 90d, most_requests: 5000, keep_totals: 3650d }').record).toEqual({ requestsMs: 90 * 86_400_000, mostRequests: 5_000, totalsMs: 3_650 * 86_400_000 });
    expect(told(() => load('record: { keep_requests: 10m, most_requests: 0, keep_totals: 9999d }'))).toEqual([
      'config/tollfree.yaml:1:26 record.keep_requests: must be between 1h and 3660d',
      'config/tollfree.yaml:1:46 record.most_requests: must be at least 1000',
      'config/tollfree.yaml:1:62 record.keep_totals: must be between 1h and 3660d',
    ]);
  });

  test('webhooks: who is told what, and no address a signature could leak to', () => {
    expect(load('').webhooks).toEqual([]);
    expect(load('webhooks:\n  # - url: x\n').webhooks).toEqual([]);
    expect(load('webhooks: [{ url: "https://example.com/a?b=c", secret: sixteen-letters-x }, { url: "http://127.0.0.1:9/x", secret: sixteen-letters-y, events: [account.died] }]').webhooks).toEqual([
      { url: 'https://example.com/a?b=c', secret: 'sixteen-letters-x', events: ['account.died', 'account.recovered', 'account.spent'] },
      { url: 'http://127.0.0.1:9/x', secret: 'sixteen-letters-y', events: ['account.died'] },
    ]);
    expect(told(() => load(['webhooks:', '  - { url: "http://example.com", secret: canary }', '  - { url: "https://user:canary@example.com", secret: sixteen-letters-x, events: [] }', '  - { url: "ftp://example.com", secret: sixteen-letters-x, events: [account.dead] }'].join('\n')))).toEqual([
      'config/tollfree.yaml:2:12 webhooks[0].url: must be https: plain http would show keys on the way (loopback alone may use it)',
      'config/tollfree.yaml:2:42 webhooks[0].secret: must be at least 16 characters: `openssl rand -hex 32` makes a good one',
      'config/tollfree.yaml:3:12 webhooks[1].url: must carry no user name or password: keys live in the vault',
      'config/tollfree.yaml:3:74 webhooks[1].events: must not be empty',
      'config/tollfree.yaml:4:12 webhooks[2].url: must be a URL such as https://api.example.com/v1',
      'config/tollfree.yaml:4:69 webhooks[2].events[0]: must be one of account.died, account.recovered, account.spent, not "account.dead" (did you mean account.died?)',
    ]);
  });

  test('every mistake is told at once, in the order of the file', () => {
    const text = [
      'serve: { port: 1 }',
      'auth: opn',
      'deadlines:',
      '  stall: 30',
      '  connect: 1 week',
      '  total: 90d',
      'server: { port: 70000, host: 3, body_limit: 1GB, allowed_hosts: ["https://x"] }',
      'retries: { budget_ratio: -0.5, budget_per_second: .inf }',
      'log: { levl: info, max_files: 1.5, file: "yes", format: }',
      'line: 12',
    ].join('\n');
    expect(told(() => load(text))).toEqual([
      'config/tollfree.yaml:1:1 serve: unknown key (did you mean server?)',
      'config/tollfree.yaml:2:7 auth: must be one of auto, required, open, not "opn" (did you mean open?)',
      'config/tollfree.yaml:4:10 deadlines.stall: must be a duration such as 250ms, 30s, 10m, 1h or 2d',
      'config/tollfree.yaml:5:12 deadlines.connect: must be a duration such as 250ms, 30s, 10m, 1h or 2d',
      'config/tollfree.yaml:6:10 deadlines.total: must be between 1ms and 24d',
      'config/tollfree.yaml:7:17 server.port: must be at most 65535',
      'config/tollfree.yaml:7:30 server.host: must be text, not the number 3: put it in quotes',
      'config/tollfree.yaml:7:66 server.allowed_hosts[0]: must be a host name, without scheme and port',
      'config/tollfree.yaml:8:26 retries.budget_ratio: must be at least 0',
      'config/tollfree.yaml:8:51 retries.budget_per_second: must be a number, not the number Infinity',
      'config/tollfree.yaml:9:8 log.levl: unknown key (did you mean level?)',
      'config/tollfree.yaml:9:31 log.max_files: must be a whole number, not the number 1.5',
      'config/tollfree.yaml:9:42 log.file: must be true or false, not text',
      'config/tollfree.yaml:9:49 log.format: must be one of auto, json, pretty, not empty',
      'config/tollfree.yaml:10:7 line: must be a mapping, not the number 12',
    ]);
  });

  test.each<[string, string, string[]]>([
    ['an unknown key near to nothing', 'xyz: 1', ['1:1 xyz: unknown key (known here: server, auth, jwt, deadlines, line, retries, cache, catalogue, record, log, telemetry, webhooks, free_only)']],
    ['a list for a file', '- 1', ['1:1 must be a mapping, not a list']],
    ['a doubled key, with what else is wrong', 'auth: open\nauth: opn\n', ['2:1 this key stands here twice', '2:7 auth: must be one of auto, required, open, not "opn" (did you mean open?)']],
    ['an open bracket', 'server: [\nauth: open', ['2:1 flow sequence in block collection must be sufficiently indented and end with a ]']],
    ['tabs', 'server:\n\tport: 1', ['2:1 tabs are not allowed as indentation']],
    ['two documents', '---\nauth: open\n---\nauth: open', ['3:1 must be one document, without a second ---']],
    ['a key that is a list', '? [a]\n: 1', ['1:3 keys must be plain text']],
    ['a tag', 'auth: !secret open', ['1:7 unresolved tag: !secret']],
    ['an alias of nothing', 'auth: *mode', ['1:7 no anchor before this is called &mode']],
    ['a prototype', 'server: { __proto__: { port: 1 } }', ['1:11 __proto__ cannot be a key']],
    ['a choice that is a circle', 'auth: &a [*a]', ['1:1 auth: must be one of auto, required, open, not a list']],
    ['depth in brackets', '['.repeat(100_000), ['1:51 is nested more than 50 levels deep']],
    ['depth in dashes', `auth:\n  ${'- '.repeat(100_000)}`, ['2:101 is nested more than 50 levels deep']],
    ['a circle', 'server: &a { port: *a }', ['1:20 server.port: must be a number, not a mapping']],
  ])('%s', (_name, text, expected) => {
    expect(told(() => load(text)).map((line) => line.replace(/^config\/tollfree\.yaml:/, ''))).toEqual(expected);
  });

  test.each(['log: gsk_secret', '"gsk_secret', 'auth: "x" gsk_secret', 'a: b\n gsk_secret: c', '}gsk_secret', "'gsk_secret", '%gsk_secret\n', 'server: { port: gsk_secret }'])('what was pasted into the wrong place is not repeated: %j', (text) => {
    const lines = told(() => load(text));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes('gsk_secret'))).toEqual([]);
  });

  test('a bomb of aliases is refused before it goes off', () => {
    const levels = Array.from({ length: 9 }, (_, level) => `b${level}: &b${level} [${Array.from({ length: 9 }, () => (level === 0 ? '1' : `*b${level - 1}`)).join(', ')}]`);
    expect(told(() => load(levels.join('\n')))).toEqual(['config/tollfree.yaml:1:1 repeats its anchors more than 100 times']);
  });
});
