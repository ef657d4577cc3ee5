import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { json } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { createSink } from '../../src/cli/context.ts';
import { run } from '../../src/cli/program.ts';
import { createStage, tollfree } from './context.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

const price = { input: 1, output: 2, list_input: 3, list_output: 4 };
/** What a daemon tells besides answers. */
const known: Readonly<Record<string, unknown>> = {
  '/v1/models': { data: [{ id: 'auto' }, { id: 'auto:code' }, { id: 'auto:general' }, { id: 'groq/m' }] },
  '/admin/providers': { providers: [{ name: 'groq', title: 'Groq', status: 'active', base_url: 'x', quota_scope: 'account', limits: { windows: [] }, models: [{ name: 'm', aliases: [], capabilities: [], limits: { windows: [] }, price }] }] },
};

/** Something that answers on a port the way a daemon might. */
async function listen(answer: (asked: Asked, response: ServerResponse, request: IncomingMessage) => void): Promise<{ readonly TOLLFREE_PORT: string }> {
  const server = createServer((request, response) => {
    if (request.method === 'POST') void json(request).then((body) => answer(body as Asked, response, request));
    else response.end(JSON.stringify(known[(request.url ?? '').replace(/\?.*/, '')]));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { TOLLFREE_PORT: String((server.address() as AddressInfo).port) };
}

const event = (content: unknown): string => `data: ${JSON.stringify(content)}\n\n`;
const thought = (reasoning: string): string => event({ choices: [{ delta: { reasoning } }] });
const delta = (content: string): string => event({ choices: [{ delta: { content } }] });
const story = { 'content-type': 'text/event-stream', 'x-tollfree-provider': 'groq', 'x-tollfree-model': 'm', 'x-tollfree-account': 'work', 'x-tollfree-route': 'general', 'x-tollfree-attempts': '2', 'x-tollfree-queue-ms': '0' };

describe('one question', () => {
  test('the answer alone on stdout; through a pipe nothing else is said', async () => {
    const environment = await listen((_, response) => response.writeHead(200, story).end(`${delta('**Good')}: ping\n\n${delta('** morning')}data: [DONE]\n\n`));
    expect(await tollfree(['chat', '--message', 'hello'], { environment })).toEqual({ status: 0, out: '**Good** morning\n', words: '' });
  });

  test('on a terminal the Markdown is drawn, and who answered is told', async () => {
    const environment = await listen((_, response) => response.writeHead(200, story).end(`${delta('**Good** \u001B]0;owned\u0007')}data: [DONE]\n\n`));
    const { out, words } = await tollfree(['chat', '-m', 'hello'], { environment, columns: 80 });
    expect(out).toBe('\u001B[1mGood\u001B[22m ]0;owned\n');
    expect(words).toContain('groq · m · account work · rule general · 2 attempts');
  });

  test('what the model thinks aloud is set by words, dimmed, and only for a person', async () => {
    const environment = await listen((_, response) => response.writeHead(200, story).end(`${thought('It is about good mor')}${thought('nings, plainly.')}${delta('Good morning.')}data: [DONE]\n\n`));
    const { out } = await tollfree(['chat', '-m', 'hello'], { environment, columns: 24 });
    expect(out).toContain('\u001B[2m');
    expect(stripVTControlCharacters(out)).toBe('It is about good\nmornings, plainly.\n\nGood morning.\n');
    expect((await tollfree(['chat', '-m', 'hello'], { environment })).out).toBe('Good morning.\n');
  });

  test('--output json is the answer and who gave it, at once', async () => {
    const environment = await listen((_, response) => response.writeHead(200, story).end(`${delta('Good')}${delta(' morning')}${event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}data: [DONE]\n\n`));
    const { out, words } = await tollfree(['chat', '-m', 'hello', '--output', 'json'], { environment, columns: 80 });
    expect(JSON.parse(out)).toEqual({ text: 'Good morning', provider: 'groq', model: 'm', account: 'work', rule: 'general', attempts: 2, queue_ms: 0, tokens: { input: 3, output: 2 } });
    expect(words).not.toContain('account work');
  });

  test('the question may come through a pipe, the key from TOLLFREE_API_KEY', async () => {
    const heard: unknown[] = [];
    const environment = await listen((asked, response, { headers }) => {
      heard.push(asked.messages, asked.model, headers.authorization);
      response.writeHead(200, story).end('data: [DONE]\n\n');
    });
    expect((await tollfree(['chat', '--model', 'auto:general'], { environment: { ...environment, TOLLFREE_API_KEY: 'tf-key' }, stdin: 'from a pipe\n' })).status).toBe(0);
    expect(heard).toEqual([[{ role: 'user', content: 'from a pipe' }], 'auto:general', 'Bearer tf-key']);
    expect((await tollfree(['chat'], { stdin: ' \n' })).status).toBe(2);
  });

  test.each([
    ['a cut answer', delta('half'), 'the answer broke off'],
    ['an error inside', `${delta('half')}${event({ error: { message: 'upstream went silent', code: 'x' } })}`, 'upstream went silent'],
  ])('%s is no success', async (_, body, message) => {
    const environment = await listen((_asked, response) => response.writeHead(200, story).end(body));
    const { status, out, words } = await tollfree(['chat', '--message', 'hello'], { environment });
    expect({ status, out }).toEqual({ status: 1, out: 'half' });
    expect(words).toContain(`error: ${message}\n`);
  });

  test('a refusal is told in the words of the daemon, with when to come back', async () => {
    const environment = await listen((_, response) => response.writeHead(429, { 'retry-after': '90' }).end(JSON.stringify({ error: { message: 'no account can answer before 14:02:31Z', code: 'all_accounts_exhausted' } })));
    const { status, words } = await tollfree(['chat', '--message', 'hello'], { environment });
    expect(status).toBe(1);
    expect(words).toBe('error: no account can answer before 14:02:31Z\n  hint: ask again in 1 min 30 s; `tollfree status` shows what is left\n');
  });
});

interface Seat {
  readonly type: (text: string) => void;
  /** Waits until the text appears after what was seen before. */
  readonly sees: (text: string) => Promise<void>;
  readonly left: Promise<number>;
}

/** A person at a terminal: types, and sees both streams in one window. */
function sitDown(environment: NodeJS.ProcessEnv): Seat {
  const keyboard = Object.assign(new PassThrough(), { isTTY: true });
  const screen = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const sink = createSink(screen, { NO_COLOR: '1' });
  let unseen = '';
  screen.on('data', (piece: Buffer) => {
    unseen += stripVTControlCharacters(piece.toString());
    screen.emit('shown');
  });
  return {
    left: run(['chat'], { ...createStage({ environment }).context, stdin: keyboard, out: sink, words: sink }),
    type: (text) => void keyboard.write(text),
    sees: async (text) => {
      while (!unseen.includes(text)) await once(screen, 'shown');
      unseen = unseen.slice(unseen.indexOf(text) + text.length);
    },
  };
}

describe('a conversation', () => {
  test('remembers, goes over lines, obeys, and ends with Ctrl-D', async () => {
    const heard: Asked[] = [];
    const environment = await listen((asked, response) => {
      heard.push(asked);
      response.writeHead(200, story).end(`${delta(`answer ${heard.length}`)}${event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } })}data: [DONE]\n\n`);
    });
    const { type, sees, left } = sitDown(environment);
    type('first \\\rline\r');
    await sees('answer 1');
    await sees('account work');
    type('/rule\r');
    await sees('rule general');
    type('/rule code\r');
    await sees('auto:code');
    type('second\r');
    await sees('answer 2');
    type('/retry\r');
    await sees('answer 3');
    type('/cost\r');
    await sees('3 answers, 15 tokens asked, 21 answered, $0.000057 paid, $0.000072 saved');
    type('/nonsense\r');
    await sees('/nonsense is no command');
    // The next key waits for what Tab brings, as a person does.
    type('/ru\t');
    await sees('/rule ');
    type('co\t');
    await sees('/rule code');
    type('\r');
    await sees('auto:code');
    type('"""\rone\r\rtwo"""\r');
    await sees('answer 4');
    type('/clear\r');
    await sees('forgotten');
    type('\u001B[A\u001B[A\r');
    await sees('answer 5');
    type('\u0004');
    expect(await left).toBe(0);
    const said = (asked: Asked | undefined): string[] => (asked?.messages ?? []).map(({ content }) => content);
    expect(heard.map(({ model }) => model)).toEqual(['auto', 'auto:code', 'auto:code', 'auto:code', 'auto:code']);
    expect(said(heard[3]).at(-1)).toBe('one\n\ntwo');
    expect(said(heard[4])).toHaveLength(1);
    expect(heard.slice(0, 3).map((asked) => said(asked))).toEqual([['first \nline'], ['first \nline', 'answer 1', 'second'], ['first \nline', 'answer 1', 'second']]);
  });

  test('/model tells and changes who is asked, its names come by Tab; /help tells every command', async () => {
    const models: unknown[] = [];
    const environment = await listen((asked, response) => {
      models.push(asked.model);
      response.writeHead(200, story).end(`${delta('answer')}data: [DONE]\n\n`);
    });
    const { type, sees, left } = sitDown(environment);
    await sees('lists the commands');
    type('/model\r');
    for (const shown of ['/model', 'auto', '›']) await sees(shown);
    // The next key waits for what Tab brings, as a person does.
    type('/model gr\t');
    await sees('oq/m');
    type('\r');
    for (const shown of ['groq/m', '›']) await sees(shown);
    type('hello\r');
    for (const shown of ['answer', '›']) await sees(shown);
    type('/help\r');
    for (const name of ['/model', '/rule', '/retry', '/cost', '/clear', '/quit']) await sees(name);
    type('/quit\r');
    expect(await left).toBe(0);
    expect(models).toEqual(['groq/m']);
  });

  test('Ctrl-C stops the answer, upstream too, and not the program', async () => {
    const stopped: Promise<unknown>[] = [];
    const heard: Asked[] = [];
    const environment = await listen((asked, response) => {
      heard.push(asked);
      stopped.push(once(response, 'close'));
      response.writeHead(200, story).write(delta('on and on'));
    });
    const { type, sees, left } = sitDown(environment);
    type('talk\r');
    await sees('on and');
    type('\u0003');
    await sees('stopped');
    await Promise.all(stopped);
    type('\u0003');
    await sees('/quit or Ctrl-D leaves');
    type('and now?\r');
    await sees('on and');
    type('\u0003');
    await sees('stopped');
    type('/quit\r');
    expect(await left).toBe(0);
    // What was heard of the first answer is part of what was said.
    expect(heard[1]?.messages.map(({ role, content }) => [role, content])).toEqual([['user', 'talk'], ['assistant', 'on and on'], ['user', 'and now?']]);
  });

  test('an error is told and the conversation goes on', async () => {
    const environment = await listen((_, response) => response.writeHead(503).end(JSON.stringify({ error: { message: 'nobody is there', code: 'x' } })));
    const { type, sees, left } = sitDown(environment);
    type('hello\r');
    await sees('error: nobody is there');
    type('/quit\r');
    expect(await left).toBe(0);
  });
});
