/** Every wire format by the name `config/providers.yaml` knows it by. */
import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { cloudflare } from './cloudflare.ts';
import { cohere } from './cohere.ts';
import type { Dialect } from './dialect.ts';
import { geminiOpenai } from './gemini-openai.ts';
import { gemini } from './gemini.ts';
import { mistral } from './mistral.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { openrouter } from './openrouter.ts';

export const dialects: ReadonlyMap<string, Dialect> = new Map(Object.entries({ openai, anthropic, azure, cloudflare, cohere, gemini, 'gemini-openai': geminiOpenai, mistral, ollama, openrouter }));

/** The catalogue's schema lets no other name through. */
export function dialectNamed(name: string): Dialect {
  const dialect = dialects.get(name);
  if (dialect === undefined) throw new Error(`no dialect ${name}`);
  return dialect;
}
