/** The least a Node proxy can do: `http` in, undici's `dispatch` out, bytes through. Prints its port. */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [, , origin] = process.argv;
const pool = new Pool(origin, { pipelining: 1 });

const server = createServer((request, response) => {
  const chunks = [];
  const call = { controller: undefined };
  response.on('close', () => {
    if (!response.writableFinished) call.controller?.abort(new Error('the client has left'));
  });
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    pool.dispatch(
      { method: 'POST', path: request.url, headers: { 'content-type': 'application/json', authorization: 'Bearer bench' }, body: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) },
      {
        onRequestStart: (controller) => (call.controller = controller),
        onResponseStart: (_controller, status, headers) => response.writeHead(status, headers),
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => response.destroy(),
      },
    );
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
