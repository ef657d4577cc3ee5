/** Which rule wins, and why. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FailureError } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { classify, compileRules } from '../../src/routing/classify.ts';
import { explainMatch } from '../../src/routing/explain.ts';
import type { ChatRequest, Rule } from '../../src/types.ts';
import { asking, rule } from './requests.ts';

const compile = (...rules: readonly Rule[]) => compileRules({ rules: [...rules, rule('general')], defaultRule: 'general' });

/** The winner's name among these and a default rule without conditions. */
function winner(rules: readonly Rule[], request: ChatRequest): string | undefined {
  return classify(request, compile(...rules)).rule?.name;
}

function failureOf(work: () => unknown): Failure | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
}

const code = rule('code', { keywords: ['code', ['python', 2]] });
const poems = rule('poems', { keywords: [['poem', 2]] });

describe('the rule', () => {
  test('with the highest score wins, then the first in the file', () => {
    expect(winner([code, poems], asking('code and a poem'))).toBe('poems');
    expect(winner([code, poems], asking('python poem'))).toBe('code');
    expect(winner([poems, code], asking('python poem'))).toBe('poems');
  });

  test('that is the default serves what no other matches, even where its own conditions fail', () => {
    expect(winner([code], asking('hello'))).toBe('general');
    const picky = compileRules({ rules: [code, rule('rest', { minTokens: 1_000 })], defaultRule: 'rest' });
    expect(classify(asking('hello'), picky).rule?.name).toBe('rest');
  });

  test('with conditions and no keywords comes before the default, and after any keyword', () => {
    const long = rule('long', { minTokens: 100 });
    expect(winner([long, code], asking('hello', { promptTokens: 200 }))).toBe('long');
    expect(winner([long, code], asking('code', { promptTokens: 200 }))).toBe('code');
    const first = compileRules({ rules: [rule('general'), long], defaultRule: 'general' });
    expect(classify(asking('hello', { promptTokens: 200 }), first).rule?.name).toBe('long');
  });

  test('says by which words', () => {
    const match = classify(asking('Python CODE, python', { earlier: ['a poem'], system: 'code' }), compile(code, poems));
    expect(match).toMatchObject({ score: 3, words: [{ word: 'python', weight: 2, where: 'now' }, { word: 'code', weight: 1, where: 'now' }] });
  });
});

const counted = compile(rule('all', { keywords: [['one', 1], ['two', 2], ['Ünö', 4], ['uno', 3]] }));
const score = (request: ChatRequest): number => explainMatch(request, counted).considered.find(({ rule: name }) => name === 'all')?.score ?? -1;

describe('a word counts', () => {
  test('once, however often it is said, and once however it is written', () => {
    expect(score(asking('one one one'))).toBe(1);
    expect(score(asking('uno ünö UNO'))).toBe(4);
  });

  test('half a turn back, then a quarter, then an eighth, then nothing', () => {
    expect(score(asking('', { earlier: ['one'] }))).toBe(0.5);
    expect(score(asking('', { earlier: ['', 'one'] }))).toBe(0.25);
    expect(score(asking('', { earlier: ['', '', 'one'] }))).toBe(0.125);
    expect(score(asking('', { earlier: ['', '', '', 'one'] }))).toBe(0);
    expect(score(asking('one', { earlier: ['', '', '', 'two'] }))).toBe(1);
  });

  test('where it counts most', () => {
    expect(score(asking('one', { earlier: ['one'], system: 'one' }))).toBe(1);
    expect(score(asking('', { earlier: ['', 'one'], system: 'one' }))).toBe(0.25);
  });

  test('a quarter in the system prompt, and nothing there by itself', () => {
    expect(score(asking('one', { system: 'two' }))).toBe(1.5);
    expect(score(asking('', { system: 'one two uno' }))).toBe(0);
  });

  test('in the system prompt only for rules that hold without it', () => {
    const hinted = rule('hinted', { keywords: [['function', 0.5], ['code', 1], ['python', 1]] });
    expect(winner([hinted], asking('the function of the liver', { system: 'code python' }))).toBe('general');
    expect(winner([rule('first', { keywords: ['x'] }), rule('second', { keywords: ['x', 'y'] })], asking('x', { system: 'y' }))).toBe('second');
  });

  test('at most 1 with all other context', () => {
    expect(score(asking('', { earlier: ['one two uno'] }))).toBe(1);
    expect(score(asking('two', { earlier: ['one uno'], system: 'one' }))).toBe(3);
  });

  test('fully in the first and last paragraph of a long turn, half between', () => {
    const filler = ' lorem ipsum '.repeat(300);
    expect(score(asking(`one\n\n${filler}two${filler}\n\nuno\n`))).toBe(1 + 1 + 4);
    expect(score(asking(`one\r\n\r\n${filler}one${filler}`))).toBe(1);
    expect(score(asking(`${filler}one${filler}`))).toBe(0.5);
    expect(score(asking(`one ${filler}${filler} two`))).toBe(3);
    expect(score(asking(`${filler}uno\n\nwhat now?`))).toBe(1);
  });

  test('by decimal weights that add up', () => {
    const decimal = rule('decimal', { keywords: [['a', 0.3], ['b', 0.6], ['c', 0.1]] });
    expect(winner([decimal], asking('a b c'))).toBe('decimal');
  });
});

const failed = (conditions: Parameters<typeof rule>[1], request: ChatRequest): string | undefined =>
  explainMatch(request, compile(rule('it', conditions))).considered.find(({ rule: name }) => name === 'it')?.failed;

describe('a condition rules out', () => {
  test.each([
    ['content_keywords', { keywords: ['code'] }, asking('hello'), asking('code')],
    ['min_keyword_score', { keywords: ['code', 'python'], minKeywordScore: 2 }, asking('code'), asking('python code')],
    ['content_keywords_none', { keywords: ['code'], keywordsNone: ['dress code'] }, asking('the dress code'), asking('code', { earlier: ['dress code'], system: 'dress code' })],
    ['content_regex', { patterns: ['x', 'def \\w+\\('] }, asking('def f'), asking('def f()')],
    ['content_regex', { keywords: ['code'], patterns: ['def'] }, asking('code'), asking('code def')],
    ['min_tokens', { minTokens: 10 }, asking('', { promptTokens: 9 }), asking('', { promptTokens: 10 })],
    ['max_tokens', { maxTokens: 10 }, asking('', { promptTokens: 11 }), asking('', { promptTokens: 10 })],
    ['has_tools', { hasTools: true }, asking(''), asking('', { needs: ['tools'] })],
    ['has_tools', { hasTools: false }, asking('', { needs: ['tools'] }), asking('')],
    ['has_images', { hasImages: true }, asking(''), asking('', { needs: ['vision'] })],
    ['has_images', { hasImages: false }, asking('', { needs: ['vision'] }), asking('')],
    ['virtual_keys', { virtualKeys: ['team-*'] }, asking('', { caller: { key: 'ann', project: '' } }), asking('', { caller: { key: 'team-a', project: '' } })],
    ['models', { models: ['gpt-*', 'auto'] }, asking('', { model: 'claude' }), asking('', { model: 'GPT-4o' })],
  ] as const)('%s', (condition, conditions, out, not) => {
    expect(failed(conditions, out)).toBe(condition);
    expect(failed(conditions, not)).toBeUndefined();
  });

  test('that names nothing to be found, and does not hold for everything', () => {
    expect(failed({ keywords: ['...'] }, asking('...'))).toBe('content_keywords');
  });

  test('an exclusion in the middle of a long turn', () => {
    const filler = ' lorem ipsum '.repeat(300);
    expect(failed({ keywords: ['code'], keywordsNone: ['dress code'] }, asking(`code\n\n${filler}dress code${filler}`))).toBe('content_keywords_none');
  });

  test('patterns read both ends of a long turn and stop there', () => {
    const filler = ' lorem ipsum '.repeat(1_000);
    expect(failed({ patterns: ['needle'] }, asking(`needle${filler}`))).toBeUndefined();
    expect(failed({ patterns: ['needle'] }, asking(`${filler}needle`))).toBeUndefined();
    expect(failed({ patterns: ['needle'] }, asking(`${filler}needle${filler}`))).toBe('content_regex');
  });
});

describe('the asked-for model', () => {
  const rules = compile(code, rule('gpt', { models: ['gpt-*'] }));

  test('auto takes the rules for auto', () => {
    expect(classify(asking('code'), rules).rule?.name).toBe('code');
    expect(classify(asking('code', { model: 'AUTO' }), rules).rule?.name).toBe('code');
  });

  test('a name takes the rules for that name, and otherwise none', () => {
    expect(classify(asking('code', { model: 'gpt-4o' }), rules).rule?.name).toBe('gpt');
    expect(classify(asking('code', { model: 'llama' }), rules)).toEqual({ rule: undefined, score: 0, words: [] });
  });

  test('auto:<rule> takes that rule, whatever its conditions', () => {
    expect(classify(asking('hello', { model: 'auto:code' }), rules).rule?.name).toBe('code');
  });

  test('auto:<rule> for a rule there is not names those there are', () => {
    expect(failureOf(() => classify(asking('', { model: 'auto:cod' }), rules))).toEqual({
      kind: 'no-such-model', param: 'model', message: "there is no rule 'cod' (did you mean code?); the rules are code, gpt, general",
    });
  });

  test('auto:<rule> of others is refused', () => {
    const guarded = compile(rule('theirs', { virtualKeys: ['team-*'] }));
    expect(failureOf(() => classify(asking('', { model: 'auto:theirs' }), guarded))?.kind).toBe('forbidden');
    expect(classify(asking('', { model: 'auto:theirs', caller: { key: 'team-a', project: '' } }), guarded).rule?.name).toBe('theirs');
  });
});

describe('an explanation', () => {
  test('tells every rule, those that held first', () => {
    const { considered, rule: name, because } = explainMatch(asking('python poem in the dress code'), compile(code, poems, rule('dress', { keywords: [['python', 9]], keywordsNone: ['dress code'] })));
    expect(name).toBe('code');
    expect(because).toBe('code has the highest score, 3, by python (now), code (now)');
    expect(considered.map(({ rule, score, failed }) => [rule, score, failed])).toEqual([['code', 3, undefined], ['poems', 2, undefined], ['general', 0, undefined], ['dress', 9, 'content_keywords_none']]);
  });

  test.each([
    ['no other rule holds, and general serves the rest', asking('hello')],
    ['no rule serves the name llama: whoever has that model does', asking('hello', { model: 'llama' })],
    ['the rule code was asked for by name', asking('hello', { model: 'auto:code' })],
  ])('%s', (because, request) => {
    expect(explainMatch(request, compile(code)).because).toBe(because);
  });

  test('has the winner of the short way first, and never knows better', () => {
    const words = fc.constantFrom('a', 'b', 'c', 'a b', '代码', 'x');
    const rules = fc.array(
      fc.record({ keywords: fc.array(fc.tuple(words, fc.constantFrom(0.5, 1, 2)), { maxLength: 4 }), keywordsNone: fc.array(words, { maxLength: 1 }), patterns: fc.array(fc.constantFrom('a', '^b', 'c$'), { maxLength: 1 }) }),
      { maxLength: 5 },
    );
    const text = fc.array(words, { maxLength: 6 }).map((parts) => parts.join(' '));
    fc.assert(fc.property(rules, text, text, (conditions, last, earlier) => {
      const set = compile(...conditions.map((each, index) => rule(`r${index}`, each)));
      const request = asking(last, { earlier: [earlier] });
      const { match, considered } = explainMatch(request, set);
      expect(considered.find((each) => each.failed === undefined)?.rule).toBe(match.rule?.name);
      expect(classify(request, set)).toEqual(match);
    }), { numRuns: 100 });
  });
});
