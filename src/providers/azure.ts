/**
 * Azure OpenAI: OpenAI's format at two addresses, with the key in a header of its own.
 *
 * `…/openai/v1` takes the deployment's name as the model; `…/openai/deployments` has it in the path and wants a version.
 */
import type { ChatRequest, Target } from '../types.ts';
import type { Dialect, HttpRequest } from './dialect.ts';
import { openai } from './openai.ts';

export const azure: Dialect = { ...openai, authorize, encode };

/** The last dated version of the classic address that is no preview. */
const API_VERSION = '2024-10-21';

function authorize(credential: string): Record<string, string> {
  return { 'api-key': credential };
}

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { baseUrl } = target.provider;
  const encoded = openai.encode(request, target, credential);
  const { authorization: _, ...headers } = encoded.headers;
  const path = encoded.url.slice(baseUrl.length);
  const url = baseUrl.endsWith('/openai/deployments') ? `${baseUrl}/${encodeURIComponent(target.model.name)}${path}?api-version=${API_VERSION}` : encoded.url;
  return { ...encoded, url, headers: { ...headers, ...authorize(credential) } };
}
