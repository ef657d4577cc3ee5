/** The tour: what is shown, in which order. Everything is asked of the running daemon over HTTP. */
import { renderExplanation } from '../explain.ts';
import { sumOf, type Sample } from '../metrics.ts';
import { count, duration, plural, usd } from '../numbers.ts';
import type { Explanation } from '../shapes.ts';
import { renderStatus } from '../status-view.ts';
import { renderTable, type Column } from '../table.ts';
import type { Performance, Theatre } from './theatre.ts';

export interface Scene {
  readonly title: string;
  readonly play: (theatre: Theatre) => Promise<void>;
}

const CODE = 'Write a Python function that adds up a list';
const TRANSLATION = 'Translate into French: good things come to those who take turns';
const MODEL = 'gpt-oss-120b';
/** Enough for a first sentence, so that many answers do not take long. */
const FEW_TOKENS = 12;

export const scenes: readonly Scene[] = [
  { title: 'The words choose', play: chooseByWords },
  { title: 'The accounts take turns', play: takeTurns },
  { title: 'A limit is reached', play: reachLimit },
  { title: 'Why, and who is next', play: showExplanation },
  { title: 'What is left', play: showStatus },
  { title: 'The metrics that moved', play: showMetrics },
];

async function chooseByWords(theatre: Theatre): Promise<void> {
  theatre.say('A client asks for the model “auto”. The words of the prompt choose a rule, the rule chooses who may answer.');
  await askAloud(theatre, CODE);
  await askAloud(theatre, TRANSLATION);
}

async function showExplanation(theatre: Theatre): Promise<void> {
  theatre.say('Every choice can be explained before it is made.');
  theatre.command(`tollfree explain "${CODE}"`);
  const explanation = await explain(theatre, CODE);
  theatre.block(renderExplanation(explanation, { width: theatre.width, paint: theatre.sink.paint, now: theatre.now(), most: 9 }));
}

async function showStatus(theatre: Theatre): Promise<void> {
  theatre.say('Every account keeps its windows the way its provider counts them.');
  theatre.command('tollfree status');
  const answer = await theatre.admin.askAll('/admin/accounts', 'Accounts');
  theatre.block(renderStatus({ ...answer, address: theatre.admin.address }, { width: theatre.width, paint: theatre.sink.paint, now: theatre.now(), detail: 'providers' }));
}

async function explain(theatre: Theatre, prompt: string): Promise<Explanation> {
  return theatre.admin.ask('/admin/explain', 'Explanation', { method: 'POST', body: { prompt, model: 'auto' } });
}

async function askAloud(theatre: Theatre, prompt: string): Promise<void> {
  const { rule, words } = await explain(theatre, prompt);
  theatre.fact('asked', theatre.sink.paint('bold', prompt));
  theatre.fact('rule', `${theatre.sink.paint('green', rule)}${words.length === 0 ? '' : `, by ${words.map(({ word }) => `“${word}”`).join(', ')}`}`);
  await theatre.breathe(400);
  const performance = await theatre.perform(prompt, ({ provider, model, account }) => theatre.fact('goes to', `${theatre.sink.paint('green', provider)} · ${model} · account ${account}`));
  theatre.fact('', theatre.sink.paint('dim', figures(performance)));
  theatre.line();
  await theatre.breathe(600);
}

const figures = ({ story, tokens, firstMs }: Performance): string =>
  [`first word after ${duration(firstMs)}`, ...(tokens === undefined ? [] : [plural(tokens.output, 'token')]), plural(story.attempts, 'attempt'), '$0 paid'].join(' · ');

const TURNS = 6;

async function takeTurns(theatre: Theatre): Promise<void> {
  theatre.say('Several accounts at one provider share the work: each request goes to the one whose turn it is.');
  const served = new Map<string, number>();
  for (let turn = 1; turn <= TURNS; turn += 1) {
    const { story } = await theatre.ask(CODE, { maxTokens: FEW_TOKENS });
    const name = `${story.provider} · ${story.account}`;
    served.set(name, (served.get(name) ?? 0) + 1);
    theatre.fact(String(turn), `${story.provider}  ${theatre.sink.paint('green', story.account)}`);
    await theatre.breathe(150);
  }
  theatre.line();
  theatre.fact('so far', [...served].map(([name, times]) => `${name}: ${times}`).join(', '));
  await theatre.breathe(600);
}

/** The simulated limits are small: long before this many questions somebody is spent. */
const MOST_ASKED = 20;

async function reachLimit(theatre: Theatre): Promise<void> {
  theatre.say(`Now a client asks for “${MODEL}”, whoever has it. Groq is asked first, and this Groq allows only three requests a minute: it refuses sooner than anybody could know.`);
  let before = await theatre.metrics();
  let home: string | undefined;
  for (let asked = 1; asked <= MOST_ASKED; asked += 1) {
    const { story } = await theatre.ask(CODE, { model: MODEL, maxTokens: FEW_TOKENS });
    const after = await theatre.metrics();
    const refused = refusals(before, after);
    theatre.fact(String(asked), [...refused.map((text) => theatre.sink.paint('yellow', text)), `${story.provider}  ${theatre.sink.paint('green', story.account)}`].join('  →  '));
    before = after;
    home ??= story.provider;
    if (story.provider !== home) break;
    await theatre.breathe(150);
  }
  theatre.line();
  await theatre.breathe(600);
  const { story } = await theatre.ask(CODE, { model: MODEL, maxTokens: FEW_TOKENS });
  theatre.say(`The client saw one answer and no error. What is known is not asked again: the next question took ${plural(story.attempts, 'attempt')}, at ${story.provider}.`);
}

/** Attempts that did not end well, between two looks at the counters. */
function refusals(before: readonly Sample[], after: readonly Sample[]): string[] {
  const failed = after.filter(({ name, labels }) => name === 'tollfree_attempts_total' && labels['outcome'] !== 'ok');
  const kinds = new Map(failed.map(({ labels: { provider = '', outcome = '' } }) => [`${provider} ${outcome}`, { provider, outcome }]));
  return [...kinds.values()]
    .map((labels) => ({ ...labels, times: sumOf(after, 'tollfree_attempts_total', labels) - sumOf(before, 'tollfree_attempts_total', labels) }))
    .filter(({ times }) => times > 0)
    .map(({ provider, outcome, times }) => `${provider} refused ${times === 1 ? 'once' : `${times} times`} (${outcome})`);
}

interface Moved {
  readonly name: string;
  readonly what: string;
  readonly value: string;
}

const columns: readonly Column<Moved>[] = [
  { title: 'metric', cell: ({ name }) => name },
  { title: 'of', cell: ({ what }) => what },
  { title: 'now', cell: ({ value }) => value, align: 'right', style: () => 'green' },
];

/** The counters worth a look, and the labels that tell them apart. */
const told: readonly { readonly name: string; readonly labels: readonly string[]; readonly show: (value: number) => string }[] = [
  { name: 'tollfree_requests_total', labels: ['status'], show: count },
  { name: 'tollfree_attempts_total', labels: ['provider', 'outcome'], show: count },
  { name: 'tollfree_fallbacks_total', labels: ['from', 'to', 'reason'], show: count },
  { name: 'tollfree_tokens_total', labels: ['direction'], show: count },
  { name: 'tollfree_saved_usd_total', labels: [], show: usd },
];

async function showMetrics(theatre: Theatre): Promise<void> {
  theatre.say('All of it is counted, for Prometheus and for you.');
  theatre.command(`curl http://${theatre.admin.address}/metrics`);
  const samples = await theatre.metrics();
  const rows = told.flatMap(({ name, labels, show }) => {
    const groups = new Map<string, number>();
    for (const sample of samples) {
      if (sample.name !== name || sample.value === 0) continue;
      const what = labels.map((label) => sample.labels[label] ?? '').join(' · ');
      groups.set(what, (groups.get(what) ?? 0) + sample.value);
    }
    return [...groups].map(([what, value]): Moved => ({ name, what, value: show(value) }));
  });
  theatre.block(renderTable(columns, rows, { width: theatre.width, paint: theatre.sink.paint }));
}
