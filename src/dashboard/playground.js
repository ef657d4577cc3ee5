/** Playground: a prompt, its answer as it comes, and beside it why it went where it went. */
import { api, apiAll, request } from './api.js';
import { field, h, replace } from './dom.js';
import { explanation } from './parts.js';
import { milliseconds, plural } from './words.js';

export function view({ signal }) {
  const prompt = h('textarea', { name: 'prompt', rows: 3, required: true, placeholder: 'Ask anything' });
  const models = h('datalist', { id: 'models' });
  const model = h('input', { name: 'model', list: 'models', value: 'auto', autocomplete: 'off', spellcheck: 'false' });
  const send = h('button', { class: 'primary', type: 'submit' }, 'Send');
  const stop = h('button', { type: 'button', disabled: true, onclick: () => state.running?.abort() }, 'Stop');
  const answer = h('div', { class: 'answer', 'aria-live': 'off' }, h('p', { class: 'quiet' }, 'The answer appears here.'));
  const facts = h('p', { class: 'quiet number', role: 'status' });
  const why = h('div', { class: 'explained' }, h('p', { class: 'quiet' }, 'Which rule, which words, and who could answer when.'));
  const state = { running: undefined };

  const ask = async (event) => {
    event.preventDefault();
    if (state.running !== undefined) return;
    state.running = new AbortController();
    send.disabled = true;
    stop.disabled = false;
    const name = model.value.trim();
    const body = { model: name === '' ? 'auto' : name, messages: [{ role: 'user', content: prompt.value }] };
    replace(facts, 'asking');
    replace(answer);
    // First, so that it shows the windows as the answer will meet them.
    await api('POST', '/explain', body).then((told) => replace(why, ...explanation(told).filter(Boolean)), (error) => replace(why, h('p', { class: 'mistake' }, error.message)));
    try {
      await stream(body, state.running.signal, answer, facts);
    } catch (error) {
      if (error.name === 'AbortError') facts.append(' · stopped');
      else replace(facts, h('span', { class: 'mistake' }, error.message));
    }
    state.running = undefined;
    send.disabled = false;
    stop.disabled = true;
  };
  signal.addEventListener('abort', () => state.running?.abort());
  prompt.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void ask(event);
  });
  void names().then((all) => replace(models, all.map((name) => h('option', { value: name }))), () => undefined);

  return [
    h('h1', {}, 'Playground'),
    h('form', { class: 'card', onsubmit: ask }, field('Prompt', prompt, 'Ctrl+Enter sends.'), h('div', { class: 'pair end' }, field('Model', model), h('div', { class: 'actions' }, stop, send)), models),
    h('div', { class: 'halves' }, h('section', { class: 'card' }, h('h2', {}, 'Answer'), answer, facts), h('section', { class: 'card' }, h('h2', {}, 'Why'), why)),
  ];
}

async function names() {
  const [{ rules }, { providers }, { accounts }] = await Promise.all([api('GET', '/rules'), apiAll('/providers', 'providers'), apiAll('/accounts', 'accounts')]);
  const usable = new Set(accounts.map(({ provider }) => provider));
  return ['auto', ...rules.map(({ name }) => `auto:${name}`), ...providers.filter(({ name }) => usable.has(name)).flatMap(({ name, models }) => models.map((model) => `${name}/${model.name}`))];
}

async function stream(body, signal, answer, facts) {
  const began = performance.now();
  const response = await request('POST', '/chat', { ...body, stream: true, stream_options: { include_usage: true } }, signal);
  const of = (name) => decodeURIComponent(response.headers.get(`x-tollfree-${name}`) ?? '');
  const origin = [`${of('provider')}/${of('account')}`, of('model'), plural(Number(of('attempts')), 'attempt'), Number(of('queue-ms')) > 0 && `${milliseconds(Number(of('queue-ms')))} in line`].filter(Boolean).join(' · ');
  replace(answer);
  let text = '';
  let first;
  let used = '';
  for await (const event of events(response.body)) {
    const piece = JSON.parse(event);
    if (piece.error !== undefined) throw new Error(piece.error.message);
    const content = piece.choices?.[0]?.delta?.content ?? '';
    if (content !== '') first ??= performance.now() - began;
    text += content;
    show(answer, text);
    if (piece.usage) used = ` · ${piece.usage.prompt_tokens} → ${piece.usage.completion_tokens} tokens`;
    replace(facts, `${origin} · first word after ${milliseconds(first)}${used}`);
  }
  replace(facts, `${origin} · first word after ${milliseconds(first)} · whole after ${milliseconds(performance.now() - began)}${used}`);
}

/** Words as paragraphs, what stands between fences as code; blocks that did not change are left alone, so that a selection in them stays. */
function show(answer, text) {
  for (const [index, part] of text.split(/^```.*\n?/m).entries()) {
    const block = answer.children[index] ?? answer.appendChild(h(index % 2 === 0 ? 'p' : 'pre', { class: 'text' }));
    const words = part.replace(/^\n+|\n+$/g, '');
    if (block.textContent !== words) block.textContent = words;
  }
}

/** The `data:` of each server-sent event, without the closing mark. */
async function* events(body) {
  let rest = '';
  for await (const part of chunks(body.pipeThrough(new TextDecoderStream()))) {
    const frames = (rest + part).split('\n\n');
    rest = frames.pop();
    for (const frame of frames) {
      const data = frame.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n');
      if (data !== '' && data !== '[DONE]') yield data;
    }
  }
}

/** Not every browser can iterate a stream. */
async function* chunks(readable) {
  const reader = readable.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}
