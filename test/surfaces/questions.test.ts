/** Questions of other surfaces in the inner form: what is kept, and what is refused by name. */
import { describe, expect, test } from '@jest/globals';
import { failureOf } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { messages } from '../../src/surfaces/messages.ts';
import { parseRelay } from '../../src/surfaces/relay.ts';
import { createResponses } from '../../src/surfaces/responses.ts';
import type { ChatRequest } from '../../src/types.ts';

const responses = createResponses();

const arrival = { id: 'req_1', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 30_000, priority: 5 };
const ofMessages = (changes: object): ChatRequest => messages({ model: 'auto', max_tokens: 10, messages: [{ role: 'user', content: 'hello' }], ...changes }, arrival).request;
const ofResponses = (changes: object): ChatRequest => responses({ model: 'auto', input: 'hello', ...changes }, arrival).request;

function refusal(ask: () => unknown): Failure {
  try {
    ask();
  } catch (error) {
    return failureOf(error);
  }
  throw new Error('was taken');
}

describe('messages', () => {
  test('blocks in their places: results after their calls, pictures after the results', () => {
    const png = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
    const { body, needs, surface } = ofMessages({
      messages: [
        { role: 'user', content: 'look' },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }, { type: 'text', text: 'I look' }, { type: 'tool_use', id: 't1', name: 'look', input: { at: 'it' } }] },
        { role: 'user', content: [{ type: 'text', text: 'here' }, { type: 'tool_result', tool_use_id: 't1', is_error: true, content: [{ type: 'text', text: 'dark' }, png] }] },
      ],
    });
    expect(body['messages']).toEqual([
      { role: 'user', content: 'look' },
      { role: 'assistant', content: 'I look', tool_calls: [{ id: 't1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } }] },
      { role: 'tool', tool_call_id: 't1', content: 'Error: dark' },
      { role: 'user', content: [{ type: 'text', text: 'here' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
    ]);
    expect({ needs, surface }).toEqual({ needs: ['vision'], surface: 'messages' });
  });

  test.each<[object, object]>([
    [{ tool_choice: { type: 'any', disable_parallel_tool_use: true } }, { tool_choice: 'required', parallel_tool_calls: false }],
    [{ tool_choice: { type: 'tool', name: 'f' } }, { tool_choice: { type: 'function', function: { name: 'f' } } }],
    [{ tool_choice: { type: 'none' } }, { tool_choice: 'none' }],
    [{ thinking: { type: 'enabled', budget_tokens: 20_000 } }, { reasoning_effort: 'high' }],
    [{ output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } } }, { reasoning_effort: 'low', response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object' } } } }],
    [{ messages: [{ role: 'user', content: [{ type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } }] }] }, { messages: [{ role: 'user', content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' } }] }] }],
    [{ output_format: { type: 'json_schema', schema: { type: 'object' } } }, { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object' } } } }],
    [{ messages: [{ role: 'user', content: [{ type: 'document', title: 'T', context: 'C', source: { type: 'text', media_type: 'text/plain', data: 'words' } }] }] }, { messages: [{ role: 'user', content: 'T\n\nC\n\nwords' }] }],
    [{ messages: [{ role: 'user', content: [{ type: 'document', context: 'C', source: { type: 'url', url: 'https://x/a.pdf' } }] }] }, { messages: [{ role: 'user', content: [{ type: 'text', text: 'C' }, { type: 'file', file: { filename: 'document.pdf', file_data: 'https://x/a.pdf' } }] }] }],
  ])('%j', (asked, body) => expect(ofMessages({ tools: [{ name: 'f', input_schema: { type: 'object' } }], ...asked }).body).toMatchObject(body));

  test('that nobody else cites is told', () => {
    const cited = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' }, citations: { enabled: true } };
    expect(messages({ model: 'auto', max_tokens: 10, messages: [{ role: 'user', content: [cited, cited] }] }, arrival).dropped).toEqual(['messages.citations']);
  });

  test("Anthropic's own tools are left out, and told", () => {
    const { request, dropped } = messages({ model: 'auto', max_tokens: 10, top_k: 3, messages: [{ role: 'user', content: 'x' }], tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, arrival);
    expect(request.body).not.toHaveProperty('tools');
    expect(dropped).toEqual(['top_k', 'tools.web_search']);
  });

  test.each<[string, object]>([
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['messages[0].content[0].content', { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 5 }] }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'x' }] }] }],
    ['system', { system: [{ type: 'text' }] }],
    ['max_tokens', { max_tokens: 0 }],
  ])('refused by name: %s', (param, changes) => expect(refusal(() => ofMessages(changes))).toMatchObject({ kind: 'invalid-request', param }));

  test.each<[string, object]>([
    ['messages[0].content[0].source', { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] }],
    ['mcp_servers', { mcp_servers: [{ url: 'https://x' }] }],
  ])('for Anthropic alone, and it is told why: %s', (param, changes) => expect(ofMessages(changes).original?.only).toMatchObject({ param }));
});

const call = (id: string): object => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}' });
/** The result of one. */
const shows = (id: string): object => ({ type: 'function_call_output', call_id: id, output: [{ type: 'input_text', text: id }, { type: 'input_image', image_url: 'data:image/png;base64,aGk=' }] });
const called = (id: string): object => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });

describe('responses', () => {
  test('items in their places: calls in a row are one turn', () => {
    const { body } = ofResponses({ instructions: 'be brief', input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }, { type: 'input_image', image_url: 'https://x/y.png', detail: 'low' }] }, { type: 'reasoning', id: 'r' }, { role: 'assistant', content: [{ type: 'output_text', text: 'I call' }] }, call('a'), call('b'), { type: 'function_call_output', call_id: 'a', output: '1' }, { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: '2' }] }] });
    expect(body['messages']).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: [{ type: 'text', text: 'hello' }, { type: 'image_url', image_url: { url: 'https://x/y.png', detail: 'low' } }] },
      { role: 'assistant', content: 'I call', tool_calls: [called('a'), called('b')] },
      { role: 'tool', tool_call_id: 'a', content: '1' },
      { role: 'tool', tool_call_id: 'b', content: '2' },
    ]);
  });

  test('what results show is shown by a user, after all results of that turn', () => {
    const { body, needs } = ofResponses({ input: [call('a'), call('b'), shows('a'), shows('b'), { role: 'user', content: 'so?' }, call('c'), shows('c')] });
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } };
    expect((body['messages'] as { role: string; content: unknown }[]).map(({ role, content }) => [role, content])).toEqual([
      ['assistant', null], ['tool', 'a'], ['tool', 'b'], ['user', [picture, picture]], ['user', 'so?'],
      ['assistant', null], ['tool', 'c'], ['user', [picture]],
    ]);
    expect(needs).toEqual(['vision']);
  });

  test('what only tunes goes along where a chat has it, and is told where it has not', () => {
    const { request, dropped } = responses({ model: 'auto', input: 'x', text: { verbosity: 'low' }, reasoning: { effort: 'low', summary: 'auto', generate_summary: null }, include: ['reasoning.encrypted_content'], truncation: 'auto', metadata: { a: 'b' } }, arrival);
    expect(request.body).toMatchObject({ verbosity: 'low', reasoning_effort: 'low' });
    expect(dropped).toEqual(['truncation', 'include', 'reasoning.summary']);
  });

  test.each<[string, object]>([
    ['top_logprobs', { top_logprobs: 2 }],
    ['include', { include: ['message.output_text.logprobs'] }],
    ['input[1].output[0].type', { input: [call('a'), { type: 'function_call_output', call_id: 'a', output: [{ type: 'hologram' }] }] }],
    ['previous_response_id', { previous_response_id: 'r' }],
    ['conversation', { conversation: 'c' }],
    ['background', { background: true }],
    ['prompt', { prompt: { id: 'p' } }],
    ['tools[0].type', { tools: [{ type: 'file_search' }] }],
    ['tool_choice.type', { tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'allowed_tools' } }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'hologram' }] }] }],
    ['input[0].content[0].image_url', { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] }],
    ['text.format.type', { text: { format: { type: 'grammar' } } }],
  ])('refused by name: %s', (param, changes) => expect(refusal(() => ofResponses(changes))).toMatchObject({ kind: 'invalid-request', param }));
});

describe('what is passed on', () => {
  test.each([
    ['/embeddings', { input: ['one two', 'three'] }, { surface: 'embeddings', text: { last: 'one two\nthree' }, maxOutput: 0, stream: false }],
    ['/embeddings', { input: [1, 2, 3] }, { promptTokens: 3 }],
    ['/audio/speech', { input: 'hello' }, { surface: 'audio', needs: ['speech'], stream: true }],
    ['/moderations', { input: [{ type: 'text', text: 'hello' }, { type: 'image_url' }] }, { surface: 'moderations', text: { last: 'hello\n' } }],
    ['/anything/else', { stream: true }, { surface: 'proxy', stream: true, relay: { path: '/anything/else' } }],
  ])('%s %j', (path, body, request) => expect(parseRelay({ model: 'groq/some', ...body }, path, arrival)).toMatchObject(request));
});
