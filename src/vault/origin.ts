/** Destinations a credential may be sealed for. */
import { isLoopback } from '../loopback.ts';
import { VaultError } from './errors.ts';

/** Scheme, host and port of a base URL. Throws `refused` for one no key should be sent to. */
export function originOf(baseUrl: string): string {
  if (!URL.canParse(baseUrl)) throw new VaultError('refused', `${JSON.stringify(baseUrl.slice(0, 200))} is not a URL`, { hint: 'like https://api.example.com/v1' });
  const url = new URL(baseUrl);
  if (url.username !== '' || url.password !== '') throw new VaultError('refused', 'the base url holds a user name or password', { hint: 'leave them out: the key is sealed apart' });
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) throw new VaultError('refused', `${url.origin} is not https`, { hint: 'http is for loopback only' });
  return url.origin;
}
