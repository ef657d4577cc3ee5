import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { startSimulators } from '../../src/sim/simulators.ts';
import { PROVIDER_NAMES } from '../../src/sim/types.ts';
import { withSimulators } from './support.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'tls', name), 'utf8');

const modelsOver = (url: string, ca?: string): Promise<number> =>
  new Promise((resolve, reject) => {
    request(`${url}/models`, { ...(ca !== undefined && { ca }), agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

describe('the ports', () => {
  test('one for all, or one each, one after the other', async () => {
    await withSimulators({}, async ({ origins }) => expect(new Set(Object.values(origins)).size).toBe(1));
    await withSimulators({ ports: 'each' }, async ({ origins }) => expect(new Set(Object.values(origins)).size).toBe(3));
  });

  test('a port that is taken is an error', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    await expect(startSimulators({ port: typeof address === 'object' ? (address?.port ?? 0) : 0 })).rejects.toThrow('EADDRINUSE');
    await new Promise((resolve) => other.close(resolve));
  });

  test('speak TLS with a certificate nobody vouches for', () => {
    const tls = { key: fixture('key.pem'), cert: fixture('certificate.pem') };
    return withSimulators({ tls }, async ({ baseUrls }) => {
      await expect(modelsOver(baseUrls.openrouter)).rejects.toThrow(/self-signed/);
      expect(await modelsOver(baseUrls.openrouter, tls.cert)).toBe(200);
    });
  });

  test('closing ends what hangs', async () => {
    const simulators = await startSimulators({ faults: PROVIDER_NAMES.map((provider) => ({ provider, path: '*', fault: { kind: 'silence' } })) });
    const hanging = fetch(`${simulators.baseUrls.openrouter}/models`).then(() => 'answered', () => 'cut');
    await simulators.callsUntil({ provider: 'openrouter' });
    await simulators.close();
    expect(await hanging).toBe('cut');
  });
});
