/** Questions besides chat: what is read of them, so that they find a model, a quota and a rule. The rest goes by unread. */
import { check, refused } from '../schema.ts';
import type { Capability, ChatRequest, Relay, Surface, Upload, Written } from '../types.ts';
import { written } from '../written.ts';
import { clientFields, userOf } from './client-fields.ts';
import type { Arrival } from './conversation.ts';
import type { Form } from './form.ts';
import { text } from './json.ts';
import type { Json } from './json.ts';
import { estimateText } from './prompt.ts';
import { secondsOf } from './recording.ts';
import { embeddingsBody, imageBody, imageForm, moderationBody, recordingForm, relayBody, relayForm, speechBody } from './relay-bodies.ts';

export interface RelayKind {
  readonly surface: Surface;
  readonly needs: readonly Capability[];
  readonly body: typeof relayBody;
  /** Where OpenAI's clients send one. */
  readonly form?: typeof relayForm;
  /** Where the words of the question are. */
  readonly words?: 'input' | 'prompt';
  /** Nothing to be asked without the client saying whom: no rule can choose for it. */
  readonly named?: string;
  /** The answer is told from its first byte on, whether or not the client says `stream`. */
  readonly streams?: true;
}

const VECTORS = 'vectors of different models do not mix, so no rule chooses one; name a model with embeddings of GET /v1/models';

/** By path below `/v1`. */
export const RELAY_KINDS: Readonly<Record<string, RelayKind>> = {
  '/embeddings': { surface: 'embeddings', needs: [], body: embeddingsBody, words: 'input', named: VECTORS },
  '/audio/transcriptions': { surface: 'audio', needs: ['transcription'], body: relayBody, form: recordingForm, words: 'prompt' },
  '/audio/translations': { surface: 'audio', needs: ['transcription'], body: relayBody, form: recordingForm, words: 'prompt' },
  '/audio/speech': { surface: 'audio', needs: ['speech'], body: speechBody, words: 'input', streams: true },
  '/images/generations': { surface: 'images', needs: [], body: imageBody, words: 'prompt' },
  '/images/edits': { surface: 'images', needs: [], body: imageBody, form: imageForm, words: 'prompt' },
  '/images/variations': { surface: 'images', needs: [], body: imageBody, form: imageForm, words: 'prompt' },
  '/moderations': { surface: 'moderations', needs: [], body: moderationBody, words: 'input' },
};

/** What nobody here knows goes to the one provider the model names. */
const PROXIED: RelayKind = { surface: 'proxy', needs: [], body: relayBody, named: 'this path is passed on to the provider the model names; ask for <provider>/<model>' };


/** A JSON body; `text`: what it was read from. Throws `invalid-request` naming the field. */
export function parseRelay(input: unknown, path: string, arrival: Arrival, text?: string): ChatRequest {
  const kind = RELAY_KINDS[path] ?? PROXIED;
  const asked = check(kind.body, input);
  if (asked['dry_run'] === true) throw refused('dry_run', 'only conversations are estimated; this would be asked');
  const data = clientFields(asked);
  requireNamed(kind, data.model);
  return toRequest({ kind, relay: { path }, fields: data, stream: data.stream === true, asCame: written(text, asked) }, arrival);
}

/** A recording that is named by its address may have any length: this one is held free for it, until its provider tells. */
const ELSEWHERE_SECONDS = 60;

interface ReceivedForm {
  readonly form: Form;
  readonly bytes: Uint8Array;
  readonly rest?: Upload['rest'];
}

/** A form, of which only the fields are read, and how long a recording it brings is. */
export function parseForm({ form: { contentType, fields: sent, file, model }, bytes, rest }: ReceivedForm, path: string, arrival: Arrival): ChatRequest {
  if (model === undefined) throw refused('model', 'the form has no field of this name; name the model, or auto');
  const kind = RELAY_KINDS[path] ?? PROXIED;
  const fields = check(kind.form ?? relayForm, { ...sent, model: model.name });
  requireNamed(kind, fields.model);
  const relay: Relay = { path, form: { contentType, before: bytes.subarray(0, model.start), after: bytes.subarray(model.end), ...(rest && { rest }) } };
  const audioSeconds = kind.needs.includes('transcription') ? (file === undefined ? ELSEWHERE_SECONDS : secondsOf(file.bytes, file.size)) : undefined;
  return toRequest({ kind, relay, fields, stream: fields.stream === 'true', ...(audioSeconds !== undefined && { audioSeconds }) }, arrival);
}

function requireNamed({ named, surface }: RelayKind, model: string): void {
  const chosenByRule = /^auto(?::|$)/i.test(model);
  if (named !== undefined && (chosenByRule || (surface === 'proxy' && !model.includes('/')))) throw refused('model', named);
}

interface Question {
  readonly kind: RelayKind;
  readonly relay: Relay;
  readonly fields: Json & { readonly model: string };
  readonly stream: boolean;
  readonly audioSeconds?: number;
  readonly asCame?: Written | undefined;
}

function toRequest({ kind, relay, fields, stream, audioSeconds, asCame }: Question, arrival: Arrival): ChatRequest {
  const said = kind.words === undefined ? undefined : fields[kind.words];
  const user = userOf(fields);
  return {
    ...arrival,
    surface: kind.surface,
    model: fields.model,
    stream: stream || kind.streams === true,
    body: fields,
    ...(asCame !== undefined && { written: asCame }),
    relay,
    text: { last: wordsOf(said), earlier: [], system: '' },
    needs: kind.needs,
    promptTokens: tokensOf(said),
    ...(audioSeconds !== undefined && { audioSeconds }),
    ...(user !== undefined && { user }),
    maxOutput: 0,
  };
}

/** Text, texts, or text parts; token numbers have no words. */
function wordsOf(said: unknown): string {
  if (typeof said === 'string') return said;
  return Array.isArray(said) ? said.map((one: unknown) => (typeof one === 'string' ? one : text((one as Json | null)?.['text']))).join('\n') : '';
}

/** A number in a list is a token; what is no text is not counted. */
function tokensOf(said: unknown): number {
  if (typeof said === 'string') return estimateText(said);
  if (typeof said === 'number') return 1;
  return Array.isArray(said) ? said.reduce<number>((sum, one) => sum + tokensOf(one), 0) : 0;
}
