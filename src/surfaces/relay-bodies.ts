/** What may stand in questions besides chat, as JSON and as a form. `model`, `stream` and the words are read here; the rest is the provider's to judge. */
import { z } from 'zod';

type Kind = 'string' | 'number' | 'integer';

/** Goes by as it came. Told, so that a generated client can say it. */
const unread = (type: Kind, description: string) => z.unknown().meta({ type, description }).optional();
/** A form's fields are all text. */
const unreadText = (description: string) => z.string().describe(description).optional();

const model = z.string().min(1).max(256);
const words = (description: string) => z.unknown().describe(description).optional();

export const relayBody = z.looseObject({ model: model.default('auto'), stream: z.boolean().nullish() });
export const relayForm = z.looseObject({ model, stream: unreadText('`true` streams.'), file: z.file().optional() });

const user = unread('string', 'Whose question it is; a key may have limits of each.');
const responseFormat = (values: string) => unread('string', `${values}, as far as the provider has them.`);

export const embeddingsBody = relayBody.extend({
  input: words('A text, or a list of texts, or their tokens.'),
  encoding_format: unread('string', 'float, base64.'),
  dimensions: unread('integer', 'Of a vector, where the model can shorten them.'),
  user,
});

export const speechBody = relayBody.extend({
  input: words('What is said.'),
  voice: unread('string', 'One of the model’s.'),
  response_format: responseFormat('mp3, opus, aac, flac, wav, pcm'),
  speed: unread('number', '1 is usual.'),
  instructions: unread('string', 'How it is said.'),
});

export const imageBody = relayBody.extend({
  prompt: words('What is to be seen.'),
  n: unread('integer', 'How many.'),
  size: unread('string', 'For example 1024x1024.'),
  quality: unread('string', 'One of the model’s.'),
  response_format: responseFormat('url, b64_json'),
  user,
});

export const moderationBody = relayBody.extend({ input: words('A text, or a list of texts or parts.') });

export const recordingForm = relayForm.extend({
  file: z.file().describe('The recording.').optional(),
  url: unreadText('Of a recording, in place of `file`, where the provider fetches it.'),
  prompt: unreadText('Words that may be heard.'),
  language: unreadText('ISO 639-1; found out where it is not said.'),
  response_format: unreadText('json, text, srt, verbose_json, vtt, as far as the provider has them.'),
  temperature: unreadText('0 to 1.'),
  'timestamp_granularities[]': unreadText('word, segment.'),
});

export const imageForm = relayForm.extend({
  image: z.file().describe('The image.').optional(),
  mask: z.file().describe('What may change in it.').optional(),
  prompt: unreadText('What is to be seen.'),
  n: unreadText('How many.'),
  size: unreadText('For example 1024x1024.'),
  response_format: unreadText('url, b64_json, as far as the provider has them.'),
});
