import { describe, expect, test } from '@jest/globals';
import { choicesOf } from '../../src/providers/chunk.ts';

const estimate = (choice: object): number => choicesOf({ choices: [choice] }, false).reduce((sum, each) => sum + each.estimate, 0);

describe('the estimate of a chunk', () => {
  test.each([
    ['words', { delta: { content: 'four' } }, 1],
    ['pieces of words, so that they add up', { delta: { content: 'a' } }, 0.25],
    ['a script of three bytes a character', { delta: { content: '日本' } }, 2],
    ['thoughts', { delta: { reasoning: 'four' } }, 1],
    ['thoughts under two names, once', { delta: { reasoning: 'four', reasoning_content: 'four', reasoning_details: [{ text: 'four' }] } }, 1],
    ['a tool call by its name and arguments', { delta: { tool_calls: [{ id: 'call_0123456789', type: 'function', function: { name: 'get_', arguments: '{"a"' } }] } }, 2],
    ['lists of parts, thoughts among them', { message: { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'four' }] }, { type: 'text', text: 'four' }] } }, 2],
    ['no pictures', { message: { content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }], images: ['AAAA'] } }, 0],
    ['nothing for a role', { delta: { role: 'assistant', content: '' } }, 0],
  ])('%s', (_, choice, tokens) => {
    expect(estimate(choice)).toBeCloseTo(tokens, 5);
  });
});

test('an empty reason to finish is none', () => {
  expect(['', null, undefined, 'stop'].map((reason) => choicesOf({ choices: [{ delta: {}, finish_reason: reason }] }, false)[0]?.finish)).toEqual([undefined, undefined, undefined, 'stop']);
});
