/** Every wire format by the name `config/providers.yaml` knows it by. */
import type { Dialect } from './dialect.ts';
import { openai } from './openai.ts';

export const dialects: ReadonlyMap<string, Dialect> = new Map([['openai', openai]]);
