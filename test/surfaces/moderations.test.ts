/** A flag clients can trust. */
import { expect, test } from '@jest/globals';
import { withFlags } from '../../src/surfaces/moderations.ts';

test('a moderation of categories alone, as Mistral writes it, is given its flags', () => {
  const results = [{ categories: { sexual: false, pii: true }, category_scores: { sexual: 0.1, pii: 0.9 } }, { categories: { sexual: false, pii: false } }];
  expect(JSON.parse(withFlags(JSON.stringify({ id: 'm', model: 'mistral-moderation-2411', results })))).toEqual({
    id: 'm', model: 'mistral-moderation-2411', results: [{ flagged: true, ...results[0] }, { flagged: false, ...results[1] }],
  });
});

test.each(['{ "results":[{"flagged":false,"categories":{"hate":true}}] }', '{"results":[{"verdict":1}]}', '{"results":"none"}', '[1]', '"words"'])('any other stays as it came: %s', (answer) => {
  expect(withFlags(answer)).toBe(answer);
});
