import { BlockList, isIP, isIPv4 } from 'node:net';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { carriedBy, plainAddress } from './carried-addresses.ts';

/** Why an address must not be reached; null when it may. */
export type AddressRule = (address: string) => string | null;

/** Addresses that are not for everyone (IANA special-purpose registries, RFC 6890 and its kin), and what they are. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'this machine': ['127.0.0.0/8', '::1/128', '0.0.0.0/8', '::/128'],
  'a private network': [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10',
    'fc00::/7',
    'fec0::/10',
    '64:ff9b:1::/48',
  ],
  'the local link': ['169.254.0.0/16', 'fe80::/10'],
  'a multicast group': ['224.0.0.0/4', 'ff00::/8', '255.255.255.255/32'],
  'a tunnel': ['::/96', '2001::/32', '2002::/16', '192.88.99.0/24'],
  'a reserved range': [
    '192.0.0.0/24',
    '192.0.2.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '3fff::/20',
    '5f00::/16',
  ],
};
/** Of IPv6 only this is given out for use by everyone (RFC 4291), and NAT64 stands for IPv4. */
const GLOBAL_IPV6 = ['2000::/3', '64:ff9b::/96'];
/** Where clouds hand credentials to whoever asks; reached only if the admin names the very address. */
const METADATA = [
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
];

const refused = Object.entries(REFUSED).map(([kind, ranges]) => ({ kind, list: listOf(ranges) }));
const globalIpv6 = listOf(GLOBAL_IPV6);
const metadata = listOf(METADATA);

/** What plugins may reach: the public internet, and the networks (CIDR) an admin names. Throws HUB_REQUEST_INVALID for a network of the wrong form. */
export function createAddressRule(networks: readonly string[]): AddressRule {
  const ranges = networks.map(parseNetwork);
  const allowed = listOf(ranges.map(({ text }) => text));
  const single = listOf(ranges.filter((it) => it.isSingle).map(({ text }) => text));
  const whyNot = (address: string): string | null => {
    if (has(single, address)) return null;
    if (has(metadata, address)) return 'it is where clouds hand out credentials';
    if (has(allowed, address)) return null;
    const kind = refused.find(({ list }) => has(list, address))?.kind;
    if (kind !== undefined) return `it is an address of ${kind}`;
    return isIPv4(address) || has(globalIpv6, address) ? null : 'it is not a public address';
  };
  return (text) => {
    const address = plainAddress(text);
    if (address === null) return 'it is no address';
    // What a packet would reach in the end counts as well as what the address says.
    const inner = carriedBy(address).map(whyNot);
    return inner.find((reason) => reason !== null) ?? whyNot(address);
  };
}

function parseNetwork(text: string): { readonly text: string; readonly isSingle: boolean } {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  const width = family === 4 ? 32 : 128;
  const known = rest.length === 0 && family !== 0 && !address.includes('%');
  if (known && bits === undefined) return { text: `${address}/${String(width)}`, isSingle: true };
  if (known && /^\d{1,3}$/u.test(bits ?? '') && Number(bits) <= width) {
    return { text, isSingle: Number(bits) === width };
  }
  throw new HubError('HUB_REQUEST_INVALID', {
    field: 'networks',
    value: text.slice(0, 64),
    cure: 'Name networks as CIDR, e.g. 10.1.0.0/16, or single addresses.',
  });
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/');
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}

const has = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
