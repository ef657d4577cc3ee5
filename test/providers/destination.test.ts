/** Where a call may go, by its URL and by what its name resolves to. */
import { describe, expect, test } from '@jest/globals';
import type { LookupAddress } from 'node:dns';
import { checkedLookup, checkUrl } from '../../src/providers/destination.ts';

/** What a socket to this name would be given, where the resolver says these. */
const resolved = (hostname: string, addresses: readonly string[], all = true): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    checkedLookup((_hostname, _options, done) => done(null, found))(hostname, { all }, (error, address) => (error === null ? resolve(address) : reject(error)));
  });

describe('a URL', () => {
  test.each(['https://api.groq.com/v1', 'https://8.8.8.8/', 'https://[2606:4700::1111]/', 'https://[64:ff9b::808:808]/', 'http://127.0.0.1:8080/v1', 'http://localhost:11434', 'http://[::1]:1', 'https://localhost'])('%s is fine', (url) => {
    expect(() => checkUrl(new URL(url))).not.toThrow();
  });

  test.each([
    'http://api.groq.com', 'ftp://127.0.0.1', 'https://user@api.groq.com', 'https://:pass@api.groq.com', 'http://10.0.0.1', 'https://10.0.0.1', 'https://172.16.9.9', 'https://192.168.1.1', 'https://169.254.169.254', 'https://100.100.100.200',
    'https://0.0.0.0', 'https://255.255.255.255', 'https://224.0.0.1', 'https://[fe80::1]', 'https://[fd00:ec2::254]', 'https://[::]', 'https://[::ffff:10.0.0.1]', 'https://[::ffff:a9fe:a9fe]', 'https://[64:ff9b::a9fe:a9fe]', 'https://[2002:a00:1::]',
    'http://localhost.evil.example', 'http://127.0.0.1.nip.io',
  ])('%s is refused', (url) => {
    expect(() => checkUrl(new URL(url))).toThrow(/base_url/);
  });
});

describe('a name', () => {
  test('at public addresses is connected to at exactly those', async () => {
    expect(await resolved('api.groq.com', ['8.8.8.8', '2606:4700::1111'])).toEqual([{ address: '8.8.8.8', family: 4 }, { address: '2606:4700::1111', family: 6 }] satisfies LookupAddress[]);
    expect(await resolved('api.groq.com', ['8.8.8.8'], false)).toBe('8.8.8.8');
    expect(await resolved('localhost', ['::1', '127.0.0.1'])).toHaveLength(2);
  });

  test.each([['api.groq.com', '10.0.0.1'], ['api.groq.com', '127.0.0.1'], ['api.groq.com', '::1'], ['api.groq.com', '::ffff:169.254.169.254'], ['localhost', '8.8.8.8'], ['localhost', '10.0.0.1']])('%s at %s is refused, even among others', async (hostname, address) => {
    await expect(resolved(hostname, [address])).rejects.toThrow(`${hostname} is at ${address}`);
    await expect(resolved(hostname, [hostname === 'localhost' ? '127.0.0.1' : '8.8.8.8', address])).rejects.toThrow(/not an address/);
  });

  test('that does not resolve says so', async () => {
    const lookup = checkedLookup((_hostname, _options, done) => done(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []));
    expect(await new Promise((resolve) => lookup('x', {}, (error) => resolve(error)))).toMatchObject({ code: 'ENOTFOUND' });
  });
});
