/** What a keyword means to the one who wrote it. */
import { describe, expect, test } from '@jest/globals';
import { checkKeyword, spell } from '../../src/routing/keyword.ts';
import { find } from './finding.ts';

describe('a keyword is found', () => {
  test.each([
    // whole words in any case
    ['code', 'Show me CODE!'],
    ['code', 'code'],
    ['code', '(code)'],
    ['code', '**code**'],
    ['code', '`code`'],
    ['python', "python's syntax"],
    ['function', 'my_function()'],
    // phrases, whatever stands between
    ['stack trace', 'a stack-trace'],
    ['stack trace', 'Stack\n  Trace'],
    ['stack-trace', 'stack trace'],
    ['stack trace', 'stack_trace'],
    ['stack trace', '**stack** trace'],
    ['stack trace', 'stack stack trace'],
    ['a a b', 'a a a b'],
    ['node.js', 'Node JS'],
    ["don't", 'don’t'],
    ['résumé', 'resume'],
    ['resume', 'RÉSUMÉ'],
    ['resume', 're\u0301sume\u0301'],
    ['cafe', 'cafe\u0301'],
    // symbols belong to the word
    ['c++', 'in C++ please'],
    ['c#', 'C#-developer'],
    ['∫', '∫x dx'],
    ['💩', 'oh 💩!'],
    ['👩‍💻', 'a 👩🏽‍💻 at work'],
    // width, ligatures, letters drawn otherwise
    ['python', 'Ｐｙｔｈｏｎ'],
    ['python', '𝐏𝐲𝐭𝐡𝐨𝐧'],
    ['file', 'ﬁle'],
    ['python', 'Python™'],
    ['word', 'wo\u00adrd'],
    // German, Turkish, Greek, Nordic, Polish
    ['straße', 'STRASSE'],
    ['STRASSE', 'Straße'],
    ['gross', 'GROẞ'],
    ['übersetzung', 'UBERSETZUNG'],
    ['ışık', 'IŞIK'],
    ['istanbul', 'İSTANBUL'],
    ['ISTANBUL', 'ıstanbul'],
    ['title', 'TITLE'],
    ['οδος', 'ΟΔΟΣ'],
    ['οδός', 'οδος'],
    ['smorrebrod', 'Smørrebrød'],
    ['łódź', 'LODZ'],
    ['код', 'КОД'],
    ['елка', 'ёлка'],
    // no spaces: anywhere
    ['代码', '请写代码谢谢'],
    ['代 码', '代， 码'],
    ['代， 码', '代 码'],
    ['代 码', '代\ud83d码'],
    ['代码', '用Python写代码'],
    ['python', '用Python写代码'],
    ['Python代码', '写Python 代码'],
    ['翻訳', '英語に翻訳してください'],
    ['コード', 'ソースコードを'],
    ['コード', 'ｺｰﾄﾞを'],
    ['ガ', 'カ\u3099'],
    ['แปล', 'ช่วยแปลประโยค'],
    ['𠮷野', '𠮷野家'],
    // Korean: particles follow
    ['코드', '코드를 작성해줘'],
    ['코드', 'Python코드'],
    ['코드', '코드를'.normalize('NFD')],
    ['python', 'Python으로 써줘'],
    ['시를 써', '짧은 시를 써줘'],
    // Arabic, Hebrew, Indic
    ['كود', 'اكتب كُود'],
    ['أكتب', 'اكتب'],
    ['برمجة', 'برمـــجة'],
    ['قوی', 'قوي'],
    ['שלום', 'שָׁלוֹם'],
    ['कोड', 'यह कोड है'],
    ['फ़ंक्शन', 'फंक्शन'],
    ['می‌نویسم', 'من می‌نویسم'],
  ])('%j in %j', (keyword, text) => {
    expect(find([keyword], text)).toEqual([keyword]);
  });
});

describe('a keyword is not found', () => {
  test.each([
    ['code', 'decode'],
    ['code', 'codes'],
    ['code', 'code2'],
    ['code', 'кодcode'],
    // Their hashes are the same.
    ['aя', 'bа'],
    ['stack trace', 'stacktrace'],
    ['stack trace', 'stack of trace'],
    ['stack trace', 'trace stack'],
    ['c++', 'c'],
    ['c++', 'vitamin c + zinc'],
    ['c#', 'c'],
    ['tm', 'Python™'],
    ['代码', '现在在现代。码头很远'],
    ['代码', '代 码'],
    ['か', 'が'],
    ['ハ', 'ハ\u309a'],
    ['กา', 'ก้า'],
    ['ก', 'กี่'],
    ['코드', '바코드'],
    ['코', '콘'],
    ['코', '콘'.normalize('NFD')],
    ['कड', 'कोड'],
    ['title', 'tıtlé2'],
    ['', 'anything'],
    ['...', 'wait...'],
  ])('%j in %j', (keyword, text) => {
    expect(find([keyword], text)).toEqual([]);
  });
});

test('a keyword is spelled by its words and characters', () => {
  expect(spell('Stack-Trace')).toEqual(['stack', 'trace']);
  expect(spell('C++')).toEqual(['c', '+', '+']);
  expect(spell('Python代码')).toEqual(['python', '代', '码']);
  expect(spell('代码 审查')).toEqual(['代', '码', ' ', '审', '查']);
  expect(spell(' …! ')).toEqual([]);
});

test('a keyword of punctuation only is a mistake that says so', () => {
  expect(checkKeyword('::')).toContain('no letter, digit or symbol');
  expect(checkKeyword('tl;dr')).toBeUndefined();
});
