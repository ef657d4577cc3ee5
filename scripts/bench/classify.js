/**
 * What classifying costs: 1,000 keywords over prompts of 32 KB, plain and hostile, and over one of 1 KB, beside
 * the cheapest thing that looks at every character, and beside one `includes` a keyword. The ratio to the bare loop is what
 * to compare; microseconds drift with the machine.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { loadRules } from '../../dist/config/rules.js';
import { classify, compileRules } from '../../dist/routing/classify.js';
import { quantile } from './figures.js';

const KEYWORDS = 1_000;
const BYTES = 32 * 1024;
const ROUNDS = 200;

/** The same words every time. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

const roll = dice(42);
/** Common letters come first, and come more often. */
const spelled = (letters, least, most) => Array.from({ length: least + roll(most - least + 1) }, () => letters[roll(1 + roll(letters.length))]).join('');
const latin = () => spelled('etaoinshrdlucmfwypvbgkqjxz', 3, 9);
const cyrillic = () => spelled('оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъ', 3, 9);
const han = Array.from({ length: 3_000 }, (_, index) => String.fromCodePoint(0x4e00 + index * 5));
const chinese = () => spelled(han, 2, 3);
const korean = () => spelled(Array.from({ length: 500 }, (_, index) => String.fromCodePoint(0xac00 + index * 22)), 1, 3);

const several = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** As many bytes of UTF-8, in one flat string as a parsed body has it. */
function filled(bytes, make, gap) {
  const pieces = [];
  for (let size = 0; size < bytes; size += Buffer.byteLength(pieces.at(-1)) + gap.length) pieces.push(make());
  return Buffer.from(pieces.join(gap)).subarray(0, bytes).toString();
}

const vocabulary = several(20_000, latin);
const english = () => vocabulary[roll(vocabulary.length)];
const latinKeywords = [...several(800, latin), ...several(200, () => `${latin()} ${latin()}`)];
const mixedKeywords = [...several(400, latin), ...several(300, chinese), ...several(200, cyrillic), ...several(100, korean)];
const any = () => [english, cyrillic, chinese, korean, () => 'Straße', () => '😀'][roll(6)]();

const cases = [
  ['Latin', latinKeywords, filled(BYTES, english, ' ')],
  ['Latin, every word a keyword', latinKeywords, filled(BYTES, () => latinKeywords[roll(KEYWORDS)], ' ')],
  ['Latin, 1 KB', latinKeywords, filled(1024, english, ' ')],
  ['Chinese', several(KEYWORDS, chinese), filled(BYTES, chinese, '')],
  ['Cyrillic', mixedKeywords, filled(BYTES, cyrillic, ' ')],
  ['Korean', mixedKeywords, filled(BYTES, korean, ' ')],
  ['mixed', mixedKeywords, filled(BYTES, any, ' ')],
  ['hostile: aaaa… for a…ab', several(KEYWORDS, (index) => `${'a'.repeat(1 + (index % 100))}b${index}`), 'a'.repeat(BYTES)],
  ['hostile: a a a… for a … a b', several(KEYWORDS, (index) => `${'a '.repeat(1 + (index % 100))}b${index}`), 'a '.repeat(BYTES / 2)],
  ['hostile: 啊啊啊… for 啊…啊', several(KEYWORDS, (index) => '啊'.repeat(1 + (index % 100)) + han[index]), '啊'.repeat(BYTES / 3)],
  ['hostile: marks out of order', mixedKeywords, '\u0316\u0301'.repeat(BYTES / 4)],
];

const rule = (name, keywords) => ({
  name,
  conditions: { keywords: keywords.map((word) => ({ word, weight: 1 })), keywordsNone: [], patterns: [], minKeywordScore: 1, models: ['auto'] },
});
const asking = (last) => ({ model: 'auto', text: { last, earlier: [], system: '' }, needs: [], promptTokens: last.length / 4, caller: { key: 'bench', project: 'bench' } });

/** Ten rules share the keywords. */
const rulesOf = (keywords) => compileRules({
  rules: [...several(10, (index) => rule(`rule-${index}`, keywords.filter((_, place) => place % 10 === index))), rule('general', [])],
  defaultRule: 'general',
});

function microseconds(work, rounds) {
  for (let round = 0; round < rounds; round += 1) work();
  const times = several(rounds, () => {
    const start = performance.now();
    work();
    return (performance.now() - start) * 1_000;
  });
  return quantile(times.sort((a, b) => a - b), 0.5);
}

const table = new Int32Array(0x10000).map((_, index) => index);
/** One table load a character: nothing that reads a text at all is cheaper. */
function bareLoop(text) {
  let sum = 0;
  for (let index = 0; index < text.length; index += 1) sum += table[text.charCodeAt(index)];
  return sum;
}
function includesEach(keywords, text) {
  const lower = text.toLowerCase();
  return keywords.filter((word) => lower.includes(word)).length;
}

const row = (name, ...cells) => console.log(`${name.padEnd(34)}${cells.map((cell) => String(cell).padStart(14)).join('')}`);
const rounded = (number) => (number < 10 ? number.toFixed(1) : number.toFixed(0));

console.log(`${KEYWORDS} keywords in 10 rules, ${BYTES / 1024} KB of UTF-8, medians of ${ROUNDS}\n`);
row('prompt', 'classify µs', '× bare loop', '× includes', 'compile ms');
for (const [name, keywords, text] of cases) {
  const start = performance.now();
  const rules = rulesOf(keywords);
  const compile = performance.now() - start;
  const request = asking(text);
  const took = microseconds(() => classify(request, rules), ROUNDS);
  row(name, rounded(took), (took / microseconds(() => bareLoop(text), ROUNDS)).toFixed(1), (took / microseconds(() => includesEach(keywords, text), 5)).toFixed(3), compile.toFixed(1));
}

console.log('\nthe same words, four times as long each time: µs a KB stays what it is');
const growing = rulesOf(latinKeywords);
for (const kilobytes of [8, 32, 128, 512, 2048]) {
  const request = asking(filled(kilobytes * 1024, english, ' '));
  row(`${kilobytes} KB`, rounded(microseconds(() => classify(request, growing), 20)), `${(microseconds(() => classify(request, growing), 20) / kilobytes).toFixed(2)} a KB`);
}

const shipped = compileRules(loadRules(readFileSync(new URL('../../routing-rules.yaml', import.meta.url), 'utf8'), 'routing-rules.yaml'));
console.log('\nthe shipped rules');
for (const [name, text] of [['a sentence', 'Write a Python function that adds up a list'], ['1 KB', filled(1024, english, ' ')], ['30 KB', filled(30 * 1024, english, ' ')]]) {
  const request = asking(text);
  row(name, rounded(microseconds(() => classify(request, shipped), ROUNDS)));
}
