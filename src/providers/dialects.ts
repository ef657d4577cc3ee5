/** Every wire format by the name `config/providers.yaml` knows it by. */
import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { cloudflare } from './cloudflare.ts';
import { cohere } from './cohere.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini.ts';
import { openai } from './openai.ts';

export const dialects: ReadonlyMap<string, Dialect> = new Map(Object.entries({ openai, anthropic, azure, cloudflare, cohere, gemini }));
