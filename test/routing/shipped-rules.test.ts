/** The rules in the box: what people ask, in many languages, and where it should go. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { loadRules } from '../../src/config/rules.ts';
import { dialects } from '../../src/providers/dialects.ts';
import { candidates } from '../../src/routing/candidates.ts';
import { classify, compileRules } from '../../src/routing/classify.ts';
import { checkKeyword } from '../../src/routing/keyword.ts';
import { checkPattern } from '../../src/routing/pattern.ts';
import type { Capability, ChatRequest } from '../../src/types.ts';
import { asking } from './requests.ts';

const root = join(import.meta.dirname, '..', '..');
const catalogue = loadCatalogue(readFileSync(join(root, 'config', 'providers.yaml'), 'utf8'), 'config/providers.yaml', { dialects: [...dialects.keys()] });
const rules = loadRules(readFileSync(join(root, 'routing-rules.yaml'), 'utf8'), 'routing-rules.yaml', { providers: [...catalogue.providers.keys()], checkPattern });
const compiled = compileRules(rules);
const ruleFor = (request: ChatRequest): string | undefined => classify(request, compiled).rule?.name;

const code = 'code_generation';
const maths = 'reasoning_and_maths';
const summary = 'summarising_and_extraction';

const prompts: readonly (readonly [string, string])[] = [
  // Code
  ['Write a Python function that adds up a list', code],
  ['How do I reverse a linked list in C++?', code],
  ['Why does my React component re-render twice?', code],
  ['C# async method deadlocks when I call .Result', code],
  ['Fix this SQL query, it returns duplicates', code],
  ['What does this stack-trace mean?', code],
  ['translate this function to Rust', code],
  ['Convert this code into TypeScript', code],
  ['Please review my pull request', code],
  ['explain this regex: ^a+$', code],
  ['Write unit tests for a shopping cart in Java', code],
  ['PYTHON: SORT A DICT BY VALUE', code],
  ['Ｐｙｔｈｏｎで配列をソートする方法は？', code],
  ['How do I set up nginx as a reverse proxy in docker?', code],
  ['extract all links from a page with a python script', code],
  ['my Dockerfile does not build', code],
  ['Schreibe eine Funktion, die Primzahlen findet, in JavaScript', code],
  ['Wie kann ich meinen Quellcode besser strukturieren?', code],
  ['Écris une fonction qui trie un tableau', code],
  ['Escribe una función que ordene una lista', code],
  ['Escreva uma função em Java que some dois números', code],
  ['Scrivi una funzione che calcola la media', code],
  ['Напиши функцию на Python для сортировки списка', code],
  ['найди ошибку в коде', code],
  ['用Python写一个快速排序', code],
  ['这段代码为什么报错？', code],
  ['把这段代码翻译成Java', code],
  ['このコードを説明してください', code],
  ['Pythonで素数を求める関数を書いて', code],
  ['파이썬으로 웹 크롤러를 만들어줘', code],
  ['이 코드를 리팩터링해줘', code],
  ['पायथन में एक कोड लिखो', code],
  ['اكتب كود بايثون لفرز قائمة', code],
  // Words that look like code
  ["what's the dress code for a summer wedding?", 'general'],
  ['zip code of Berlin', 'general'],
  ['Which area code is 0049 30?', 'general'],
  ['Which genetic code do mitochondria use?', 'general'],
  ['What does the penal code say about theft?', 'general'],
  ['How do I remove rust from a pan?', 'general'],
  ['What do pandas eat?', 'general'],
  ['How should I react when my boss shouts?', 'general'],
  ['Wie lautet die Postleitzahl von Bremen?', 'general'],
  ['Quel est le code postal de Lyon ?', 'general'],
  ['¿Cuál es el código postal de Sevilla?', 'general'],
  ['Qual è il codice fiscale di una persona?', 'general'],
  ['レコードを聴くのが好きです', 'general'],
  ['ドレスコードはありますか', 'general'],
  ['드레스 코드가 뭐예요?', 'general'],
  ['北京的邮政编码是多少？', 'general'],
  ['какой дресс-код на свадьбе?', 'general'],
  ['Can you decode what she meant by that?', 'general'],
  ['a class of thirty pupils', 'general'],
  // Reasoning and maths
  ['Prove that the square root of 2 is irrational', maths],
  ['prove that there are infinitely many primes', maths],
  ['Solve for x: 3x + 5 = 20', maths],
  ['What is the derivative of x^2 sin x?', maths],
  ['Evaluate ∫ x dx from 0 to 1', maths],
  ['What is the probability of two sixes in a row?', maths],
  ['On an island of knights and knaves, A says B is a knave. Who is who?', maths],
  ['Beweise, dass es unendlich viele Primzahlen gibt', maths],
  ['Berechne die Ableitung von x²', maths],
  ["Démontre que la racine carrée de 2 n'est pas rationnelle", maths],
  ['Demuestra el teorema de Pitágoras', maths],
  ['Resolva a equação x² = 4', maths],
  ["Risolvi l'equazione x² = 4", maths],
  ['Реши уравнение x^2 - 5x + 6 = 0', maths],
  ['Докажите теорему Ферма', maths],
  ['请证明根号2是无理数', maths],
  ['この方程式を解いてください', maths],
  ['이 방정식을 풀어줘', maths],
  ['इस समीकरण को हल करो', maths],
  ['حل المعادلة التالية', maths],
  ['Is this watch waterproof, and where is the proof of purchase?', 'general'],
  // Writing
  ['Write an email to my landlord about the heating', 'writing'],
  ['Write a poem about the sea', 'writing'],
  ['Proofread this paragraph for me', 'writing'],
  ['Rephrase this so that it sounds more polite', 'writing'],
  ['Draft a cover letter for a nurse', 'writing'],
  ['Write a haiku about JavaScript', 'writing'],
  ['Write a blog post about the history of Python', 'writing'],
  ['Write a script for a YouTube video about sharks', 'writing'],
  ['improve my résumé and cover letter', 'writing'],
  ['Schreibe ein Gedicht über den Herbst', 'writing'],
  ["Écris un poème sur l'automne", 'writing'],
  ['Redacta una carta de presentación', 'writing'],
  ['Escreva um poema sobre o mar', 'writing'],
  ['Scrivi una poesia sul mare', 'writing'],
  ['Напиши стихотворение о море', 'writing'],
  ['帮我写一篇关于春天的文章', 'writing'],
  ['俳句を作ってください', 'writing'],
  ['봄에 대한 시를 써줘', 'writing'],
  ['बारिश पर एक कविता लिखो', 'writing'],
  ['اكتب قصيدة عن البحر', 'writing'],
  // Translation
  ['Translate into French: good things come to those who wait', 'translation'],
  ['Translate this error message into German', 'translation'],
  ["Translate 'I want to go home' to Spanish", 'translation'],
  ['How do you say "thank you" in Japanese?', 'translation'],
  ['How do you say no to your boss?', 'general'],
  ['ÜBERSETZE DAS INS ENGLISCHE', 'translation'],
  ['Bitte uebersetzen Sie das, also: übersetzen', 'translation'],
  ['Traduis ce texte en anglais', 'translation'],
  ['Traduce esta carta al inglés', 'translation'],
  ['Traduza este texto para o inglês', 'translation'],
  ['Traduci questa lettera in inglese', 'translation'],
  ['Переведи на английский: доброе утро', 'translation'],
  ['把这句话翻译成英文', 'translation'],
  ['これを英語に翻訳してください', 'translation'],
  ['이 문장을 영어로 번역해줘', 'translation'],
  ['इसका अंग्रेज़ी में अनुवाद करो', 'translation'],
  ['ترجم هذه الجملة إلى الإنجليزية', 'translation'],
  ['ช่วยแปลประโยคนี้เป็นภาษาอังกฤษ', 'translation'],
  ['Dịch sang tiếng Anh: xin chào', 'translation'],
  ['Bu cümleyi İngilizceye ÇEVİR', 'translation'],
  // Summarising and extraction
  ['Summarise this article in three sentences', summary],
  ['TL;DR please', summary],
  ['What are the key takeaways of the meeting notes below?', summary],
  ['Extract all names and dates from the following text', summary],
  ['Summarize the Wikipedia article on Python', summary],
  ['Fasse den Text zusammen', summary],
  ['Résume ce texte en deux phrases', summary],
  ['Haz un resumen de este texto', summary],
  ['Faça um resumo deste texto', summary],
  ['Riassumi questo articolo', summary],
  ['Кратко изложи этот текст', summary],
  ['总结一下这篇文章', summary],
  ['この記事を要約してください', summary],
  ['이 기사를 요약해줘', summary],
  ['इस लेख का सारांश दो', summary],
  ['لخص هذا النص', summary],
  ['Does this cake need vanilla extract?', 'general'],
  // Pasted code
  ['def add(a, b):\n    return a + b', 'pasted_code'],
  ['what is wrong here?\n```\nfoo()\n```', 'pasted_code'],
  ['SELECT name FROM users WHERE id = 1', 'pasted_code'],
  ['import os\nimport sys', 'pasted_code'],
  ['const x = 1\nlet y = 2', 'pasted_code'],
  // Nothing in particular
  ['hello', 'general'],
  ['', 'general'],
  ['What is the capital of France?', 'general'],
  ['Recommend three books about the Roman Empire', 'general'],
  ['Was soll ich heute kochen?', 'general'],
  ['Quelle heure est-il à Tokyo ?', 'general'],
  ['今天天气怎么样？', 'general'],
  ['おすすめの映画は何ですか', 'general'],
  ['오늘 뭐 먹지?', 'general'],
];

describe('the shipped rules', () => {
  test.each(prompts)('%j goes to %s', (prompt, rule) => {
    expect(ruleFor(asking(prompt))).toBe(rule);
  });

  test('hold no keyword that cannot be found', () => {
    const words = rules.rules.flatMap(({ conditions }) => [...conditions.keywords.map(({ word }) => word), ...conditions.keywordsNone]);
    expect(words.flatMap((word) => checkKeyword(word) ?? [])).toEqual([]);
  });

  test.each(rules.rules.map(({ name }) => name))('%s has somebody to ask in the shipped catalogue', (name) => {
    const needs: Capability[] = name === 'vision' ? ['vision'] : [];
    const request = asking('hello', { model: `auto:${name}`, needs });
    const targets = candidates(classify(request, compiled), request, catalogue, { freeOnly: true });
    expect(new Set(targets.map(({ provider }) => provider.name)).size).toBeGreaterThan(3);
  });
});

describe('what is around the question', () => {
  const assistant = 'You are an expert programmer. Write code in Python, TypeScript and Rust. Debug functions, refactor source code, read stack traces.';

  test('a system prompt full of code words makes no chat code', () => {
    expect(ruleFor(asking('What is the capital of France?', { system: assistant }))).toBe('general');
    expect(ruleFor(asking('Write a poem about the sea', { system: assistant }))).toBe('writing');
    expect(ruleFor(asking('What is the function of the liver?', { system: assistant }))).toBe('general');
    expect(ruleFor(asking('hello', { system: assistant.repeat(200) }))).toBe('general');
  });

  test('a long history of code leaves as soon as another task is named', () => {
    const earlier = Array.from({ length: 40 }, () => 'Refactor this Python function, the unit test shows a traceback');
    expect(ruleFor(asking('thanks! now translate "good morning" into Spanish', { earlier }))).toBe('translation');
    expect(ruleFor(asking('and write a poem about it', { earlier }))).toBe('writing');
  });

  test('a follow-up stays with its topic, until that is long past', () => {
    const topic = 'Refactor this Python function, the unit test shows a traceback';
    expect(ruleFor(asking('make it faster', { earlier: [topic] }))).toBe(code);
    expect(ruleFor(asking('make it faster', { earlier: ['hm', 'no', 'hello', topic] }))).toBe('general');
  });

  test('the task at either end of a pasted text outweighs what the text is about', () => {
    const article = 'Python is a programming language. Its functions, its source code and its unit tests are read by many. '.repeat(60);
    expect(ruleFor(asking(`Translate this article into German.\n\n${article}`))).toBe('translation');
    expect(ruleFor(asking(`${'The weather was fine. '.repeat(200)}\n\nSummarise this text.`))).toBe(summary);
  });

  test('long prompts and images go where they can be taken', () => {
    expect(ruleFor(asking('Summarise this', { promptTokens: 100_000 }))).toBe('long_context');
    expect(ruleFor(asking('What Python error is on this screenshot?', { needs: ['vision'] }))).toBe('vision');
  });
});
