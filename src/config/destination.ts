/** Where a provider's keys may be sent. */
import { z } from 'zod';
import { isLoopback } from '../loopback.ts';

type Destination = { readonly url: string } | { readonly mistake: string };

/** A base URL without its trailing slash: https, or http to this machine; nothing that could carry a secret or swallow a path. */
export function readDestination(written: string): Destination {
  const read = readAddress(written);
  if ('mistake' in read) return read;
  if (/[?#]/.test(written)) return { mistake: 'must carry no query and no fragment: paths are appended to it' };
  return { url: read.url.replace(/\/+$/, '') };
}

/** A whole address: https, or http to this machine. */
function readAddress(written: string): Destination {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return { mistake: 'must be a URL such as https://api.example.com/v1' };
  if (url.username !== '' || url.password !== '') return { mistake: 'must carry no user name or password: keys live in the vault' };
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return { mistake: 'must be https: plain http would show keys on the way (loopback alone may use it)' };
  return { url: url.href };
}

/** As parts of a schema. */
const readBy = (read: (written: string) => Destination) => z.string().transform((written, context) => {
  const found = read(written);
  if ('url' in found) return found.url;
  context.addIssue(found.mistake);
  return z.NEVER;
});
export const destination = readBy(readDestination);
export const address = readBy(readAddress);
