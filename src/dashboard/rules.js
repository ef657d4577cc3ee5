/** Rules: what is in force, what a prompt would meet, and the file: whether another text would do, and that text in its place. */
import { api } from './api.js';
import { announce, field, h, replace } from './dom.js';
import { explanation } from './parts.js';
import { plural } from './words.js';

export function view({ feed, signal }) {
  /** The version of the file that is being edited. */
  let version;
  const list = h('div', { class: 'rule-list' });
  const text = h('textarea', { name: 'source', class: 'mono', rows: 22, spellcheck: 'false', wrap: 'off' });
  const told = h('div', { class: 'checked', role: 'status' });
  const file = h('p', { class: 'quiet' });
  const prompt = h('textarea', { name: 'prompt', rows: 4, value: 'Write a Python function that reverses a string' });
  const edited = h('input', { type: 'checkbox', name: 'edited' });
  const answer = h('div', { class: 'explained', role: 'status' });

  const show = async () => {
    try {
      const { rules, default_rule: fallback } = await api('GET', '/rules');
      replace(list, rules.map((rule) => card(rule, rule.name === fallback)));
    } catch (error) {
      replace(list, h('p', { class: 'mistake' }, error.message));
    }
  };
  const load = async () => {
    // What was written before the file is here would be lost to it.
    text.readOnly = true;
    try {
      const source = await api('GET', '/rules/source');
      version = source.version;
      text.value = source.text;
      replace(told);
      replace(file, `${source.file}, as it is written. What is saved is in force at once; Check and Explain change nothing.`);
    } catch (error) {
      replace(file, h('span', { class: 'mistake' }, error.message));
    } finally {
      text.readOnly = false;
    }
  };
  /** Whether there was no mistake. */
  const check = async () => {
    try {
      const { problems, rules } = await api('POST', '/rules/check', { text: text.value });
      replace(told, problems.length === 0 ? h('p', { class: 'good-text' }, `✓ ${plural(rules.length, 'rule')}, no mistake`) : h('ul', { class: 'plain-list' }, problems.map(({ line, column, message }) => h('li', {}, h('button', { type: 'button', class: 'plain mono', 'aria-label': `go to line ${line}`, onclick: () => goTo(text, line) }, `${line}:${column}`), ' ', message))));
      return problems.length === 0;
    } catch (error) {
      replace(told, h('p', { class: 'mistake' }, error.message));
      return false;
    }
  };
  const save = async () => {
    if (!(await check())) return;
    try {
      version = (await api('PUT', '/rules/source', { text: text.value, version })).version;
      announce('the rules are saved', 'good');
    } catch (error) {
      replace(told, h('p', { class: 'mistake' }, error.message));
    }
  };
  const explain = async () => {
    try {
      replace(answer, ...explanation(await api('POST', '/explain', { prompt: prompt.value, ...(edited.checked && { rules: text.value }) })).filter(Boolean));
    } catch (error) {
      replace(answer, h('p', { class: 'mistake' }, error.message));
    }
  };
  void show();
  void load();
  // Whoever changed the file, here or by hand: what is in force is shown.
  feed.on('notice', show, signal);

  return [
    h('h1', {}, 'Rules'),
    h('div', { class: 'halves' },
      h('section', { class: 'card' }, h('h2', {}, 'Try a prompt'),
        field('Prompt', prompt),
        h('label', { class: 'check' }, edited, ' by the text below, not by what is in force'),
        h('div', { class: 'actions' }, h('button', { class: 'primary', type: 'button', onclick: explain }, 'Explain')),
        answer),
      h('section', { class: 'card' }, h('h2', {}, 'In force'), list)),
    h('section', { class: 'card' }, h('h2', {}, 'The file'), file, field('Rules as YAML', text), h('div', { class: 'actions' }, h('button', { type: 'button', onclick: load }, 'As saved'), h('button', { type: 'button', onclick: check }, 'Check'), h('button', { class: 'primary', type: 'button', onclick: save }, 'Save')), told),
  ];
}

function card({ name, conditions, preferences, fallbackChain }, isDefault) {
  const words = conditions.keywords.map(({ word }) => word);
  const chain = [...new Set([...preferences, ...fallbackChain])];
  return h('details', { class: 'rule', 'data-key': `rule-${name}` },
    h('summary', {}, h('b', {}, name), isDefault && h('span', { class: 'pill disabled' }, 'default'), h('span', { class: 'quiet' }, ` ${chain.slice(0, 3).join(' → ')}${chain.length > 3 ? ` + ${chain.length - 3}` : ''}`)),
    h('p', { class: 'quiet' }, chain.join(' → ')),
    words.length > 0 ? h('p', { class: 'words' }, words.map((word) => h('span', { class: 'word' }, word))) : h('p', { class: 'quiet' }, 'No keywords.'));
}

function goTo(text, line) {
  const start = text.value.split('\n').slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, text.value.indexOf('\n', start) === -1 ? text.value.length : text.value.indexOf('\n', start));
  text.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(text).lineHeight));
}
