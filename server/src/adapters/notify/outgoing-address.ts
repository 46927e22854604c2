import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';

/**
 * The guard against server-side request forgery (OWASP SSRF; CWE-918). Every address that a person can set passes it
 * twice: as text, when it is set and before each use, and as the address a name resolves to, at the moment of
 * connecting, so that a name that changes its mind in between (DNS rebinding) gains nothing.
 */
export interface OutgoingRules {
  /** Names the operator vouches for, `host` or `host:port`: they may be in the house, and use any port. */
  readonly allowedHosts?: readonly string[];
  /** Ports that all others may use. By default only 443. */
  readonly ports?: readonly number[];
}

export type OutgoingAddress =
  | { readonly kind: 'ok'; readonly url: URL }
  | { readonly kind: 'refused'; readonly reason: OutgoingRefusal };

export type OutgoingRefusal =
  | 'not-an-address'
  | 'not-https'
  | 'has-credentials'
  | 'port-not-allowed'
  | 'private-address';

/** Servers commonly refuse longer request lines; and it is kept in rows and lists. */
const ADDRESS_MAX = 2_048;
const PORTS_BY_DEFAULT = [443];

/**
 * The WHATWG parser has made `2130706433`, `0x7f.1` and `0177.0.0.1` plain `127.0.0.1` before they are looked at here.
 */
export function parseOutgoingAddress(text: string, rules: OutgoingRules = {}): OutgoingAddress {
  const url = text.length > ADDRESS_MAX ? null : URL.parse(text);
  if (url === null || url.hostname === '') return { kind: 'refused', reason: 'not-an-address' };
  const refused = refusalOf(url, rules);
  return refused === undefined ? { kind: 'ok', url } : { kind: 'refused', reason: refused };
}

/** Whether the operator vouches for its host: what is sent there stays in the house. */
export function isVouchedFor(text: string, rules: OutgoingRules): boolean {
  const url = URL.parse(text);
  return url !== null && isAllowedHost(url, rules);
}

function refusalOf(url: URL, rules: OutgoingRules): OutgoingRefusal | undefined {
  if (url.protocol !== 'https:') return 'not-https';
  if (url.username !== '' || url.password !== '') return 'has-credentials';
  const isNamed = isAllowedHost(url, rules);
  const port = portOf(url);
  if (!isNamed && !(rules.ports ?? PORTS_BY_DEFAULT).includes(port)) return 'port-not-allowed';
  const host = hostOf(url);
  // A literal is connected to without being looked up, so it is judged here.
  const isRefused = isIP(host) === 0 ? !isNamed && isLocalName(host) : !mayConnect(host, isNamed);
  return isRefused ? 'private-address' : undefined;
}

/** For `lookup` of `node:https` and its agents: resolves, and lets no address through that the rules refuse. */
export function outgoingLookup(url: URL, rules: OutgoingRules = {}, resolve = systemLookup): LookupFunction {
  const isNamed = isAllowedHost(url, rules);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '');
      const usable = found.filter(({ address }) => mayConnect(address, isNamed));
      const [first] = usable;
      if (first === undefined) return callback(new OutgoingRefused(), '');
      if (options.all === true) callback(null, usable);
      else callback(null, first.address, first.family);
    });
  };
}

/** The name resolves to addresses that may not be reached. */
export class OutgoingRefused extends Error {
  override readonly name = 'OutgoingRefused';
  readonly code = 'EOUTGOING';
  constructor() {
    super('the address is not allowed');
  }
}

/** Whether everyone on the internet means the same machine by it: not private, loopback, link-local or special. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL.check(address, 'ipv4');
  // With a zone (`fe80::1%eth0`) it means something on one link only.
  if (isIP(address) === 0 || address.includes('%')) return false;
  return GLOBAL.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
}

/** A vouched name may be in the house, but never link-local: there the clouds keep their credentials. */
function mayConnect(address: string, isNamed: boolean): boolean {
  if (isPublicAddress(address)) return true;
  if (!isNamed || address.includes('%')) return false;
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  return HOUSE.check(address, family) && !METADATA.check(address, family) && !address.startsWith('::ffff:');
}

function isAllowedHost(url: URL, { allowedHosts = [] }: OutgoingRules): boolean {
  const host = hostOf(url);
  const withPort = `${url.hostname.replace(/\.$/, '')}:${portOf(url)}`;
  return allowedHosts.some((allowed) => {
    const name = allowed.toLowerCase();
    return name === host || name === withPort;
  });
}

function hostOf(url: URL): string {
  return url.hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '');
}

function portOf(url: URL): number {
  return url.port === '' ? 443 : Number(url.port);
}

/** RFC 6761, RFC 6762 and ICANN's `.internal`: names that never mean a machine on the internet. */
function isLocalName(host: string): boolean {
  return !host.includes('.') || /(^|\.)(localhost|local|internal|home\.arpa)$/.test(host);
}

/** IANA's IPv4 special-purpose registry (RFC 6890 and its successors), multicast and the reserved last eighth. */
const SPECIAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** Of the global unicast block, what is not one machine on the internet, or carries an IPv4 address we cannot vouch for. */
const SPECIAL_V6 = [
  ['2001::', 23], // IETF protocol assignments, Teredo among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation, RFC 9637
] as const;

const SPECIAL = new BlockList();
const GLOBAL = new BlockList();
const HOUSE = new BlockList();
const METADATA = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');
GLOBAL.addSubnet('64:ff9b::', 96, 'ipv6'); // NAT64, RFC 6052: judged by the IPv4 address in it
for (const [net, bits] of SPECIAL_V4) {
  SPECIAL.addSubnet(net, bits, 'ipv4');
  SPECIAL.addSubnet(`64:ff9b::${net}`, 96 + bits, 'ipv6');
}
for (const [net, bits] of SPECIAL_V6) SPECIAL.addSubnet(net, bits, 'ipv6');
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  HOUSE.addSubnet(net, bits, 'ipv4');
HOUSE.addAddress('::1', 'ipv6');
HOUSE.addSubnet('fc00::', 7, 'ipv6');
METADATA.addSubnet('fd00:ec2::', 32, 'ipv6'); // AWS instance metadata over IPv6
