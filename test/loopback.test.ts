/** This machine, and nobody else. */
import { expect, test } from '@jest/globals';
import { isLoopback } from '../src/loopback.ts';

test.each(['localhost', '127.0.0.1', '127.8.0.1', '::1', '[::1]', '::ffff:127.0.0.1'])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(['', '0.0.0.0', '::', '[::]', '192.168.1.2', '127.example.org', '127.0.0.1.nip.io', 'localhost.evil.example', 'own.localhost'])('“%s” may be another', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test('odd ways to write this machine are this machine', () => {
  expect(['http://0x7f.1', 'http://2130706433', 'http://127.1', 'http://[0:0::1]'].map((url) => isLoopback(new URL(url).hostname))).toEqual([true, true, true, true]);
});
