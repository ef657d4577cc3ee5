/**
 * An upstream that answers at once: whatever is measured in front of it is the proxy's. Prints its port. Given milliseconds, its
 * streams send a piece that often, until they are left.
 */
import { createServer } from 'node:http';

const content = 'The quick brown fox jumps over the lazy dog. '.repeat(6);
const completion = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1,
  model: 'bench-model',
  choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 200, completion_tokens: 60, total_tokens: 260 },
});
const CHUNKS = 50;
const event = (delta, finish = null, more = {}) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'bench-model', choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`;
const piece = event({ content: 'four words of text ' });
const end = event({}, 'stop', { usage: { prompt_tokens: 200, completion_tokens: 200, total_tokens: 400 } }) + 'data: [DONE]\n\n';

/** Every chunk its own write and its own turn of the loop: that is how tokens arrive. */
function stream(response) {
  let left = CHUNKS;
  const next = () => {
    if (left-- > 0) {
      response.write(piece);
      setImmediate(next);
    } else response.end(end);
  };
  next();
}

/** As sent on the wire: thousands of streams at once leave no time for framing each piece anew. */
const framed = Buffer.from(`${piece.length.toString(16)}\r\n${piece}\r\n`);

function endlessStream(response, everyMs) {
  const timer = setInterval(() => response.socket?.write(framed), everyMs);
  response.on('close', () => clearInterval(timer));
}

const everyMs = Number(process.argv[2] ?? 0);
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ role: 'assistant', content: '' }));
      if (everyMs > 0) endlessStream(response, everyMs);
      else stream(response);
    } else {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(completion) });
      response.end(completion);
    }
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
