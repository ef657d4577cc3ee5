/**
 * Where a call may go: https to a public address, or anything on this very machine.
 * Judged at the moment of sending, on the real URL and on the addresses actually connected to.
 */
import type { LookupAddress, LookupAllOptions, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { isLoopback, isLoopbackAddress } from '../loopback.ts';

/** A destination no credential may travel to. Its message says why, for the operator. */
export class DestinationError extends Error {
  readonly code = 'ERR_DESTINATION';
}

/** IANA's special-purpose registries: networks that are private, local to a link, or nobody's. */
const RESERVED_IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
];
/** The last three carry an IPv4 address inside, by ways nobody should still use. */
const RESERVED_IPV6 = ['::/128', '::1/128', '64:ff9b:1::/48', '100::/64', '2001:db8::/32', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8', '::/96', '2001::/32', '2002::/16'];

const reserved = new BlockList();
for (const [network = '', bits] of RESERVED_IPV4.map((range) => range.split('/'))) {
  reserved.addSubnet(network, Number(bits), 'ipv4');
  // Behind NAT64 every public IPv4 host is reached through this prefix, so only what it hides is judged.
  reserved.addSubnet(`64:ff9b::${network}`, 96 + Number(bits), 'ipv6');
}
for (const [network = '', bits] of RESERVED_IPV6.map((range) => range.split('/'))) reserved.addSubnet(network, Number(bits), 'ipv6');

const isReserved = (address: string): boolean => reserved.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Throws a DestinationError for a URL no call may go to, whatever it resolves to. */
export function checkUrl(url: URL): void {
  if (url.username !== '' || url.password !== '') throw new DestinationError(`the address of ${url.host} carries a user name or password; remove it from base_url`);
  const local = isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) {
    throw new DestinationError(`${url.host} would be called over ${url.protocol.slice(0, -1)}; base_url must be https unless it is on this machine`);
  }
  if (isIP(bare(url.hostname)) !== 0) checkAddress(bare(url.hostname), url.hostname);
}

function checkAddress(address: string, hostname: string): void {
  const fits = isLoopback(hostname) ? isLoopbackAddress(address) : !isReserved(address);
  if (!fits) throw new DestinationError(`${hostname} is at ${address}, which is not an address a provider can have; check base_url and the resolver`);
}

type Found = (error: Error | null, address: string | LookupAddress[], family?: number) => void;
export type Resolve = (hostname: string, options: LookupAllOptions, found: (error: Error | null, addresses: LookupAddress[]) => void) => void;

/** In place of `dns.lookup`: resolves once, and the socket connects to exactly the addresses that were judged. */
export function checkedLookup(resolve: Resolve): (hostname: string, options: LookupOptions, found: Found) => void {
  return (hostname, options, found) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, []);
      try {
        for (const { address } of addresses) checkAddress(address, hostname);
      } catch (refused) {
        return found(refused as DestinationError, []);
      }
      const [first] = addresses;
      if (options.all === true || first === undefined) return found(null, addresses);
      return found(null, first.address, first.family);
    });
  };
}
