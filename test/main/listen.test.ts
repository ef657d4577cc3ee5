import { expect, test } from '@jest/globals';
import express from 'express';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { createLiveRequests } from '../../src/http/stream.ts';
import { listen } from '../../src/main/listen.ts';

test('requests and responses stay what V8 is fast with', async () => {
  setFlagsFromString('--allow-natives-syntax');
  const isFast = runInThisContext('(object) => %HasFastProperties(object)') as (object: object) => boolean;
  const seen: boolean[] = [];
  const app = express();
  app.get('/', (request, response) => {
    response.once('finish', () => seen.push(isFast(request), isFast(response)));
    response.writeHead(200, { 'x-request-id': 'one' });
    response.write('first, ');
    response.end('last');
  });
  const server = await listen(app, createLiveRequests(), { host: '127.0.0.1', port: 0, uploadMs: 5_000 });
  try {
    // What an object has room for is settled after the first few.
    for (let request = 0; request < 20; request++) expect(await (await fetch(`http://127.0.0.1:${server.port}`)).text()).toBe('first, last');
    expect(seen).toEqual(Array.from({ length: 40 }, () => true));
  } finally {
    await server.drain(0);
  }
});
