import type { NetworkPlace } from './anomaly-sight.ts';

/** Networks and where they are: `10.1.0.0/16=Vienna@48.21/16.37`. Without coordinates: anywhere, such as a VPN. */
export interface NetworkPlaces {
  /** The narrowest network that holds the address; undefined: none does, or it is no address. */
  placeOf(address: string): NetworkPlace | undefined;
}

const ENTRY = /^([0-9A-Fa-f:.]+)\/(\d{1,3})=([^@;]{1,64})(?:@(-?\d{1,2}(?:\.\d+)?)\/(-?\d{1,3}(?:\.\d+)?))?$/;

/** Undefined: one of them is not written so. */
export function parseNetworkPlaces(texts: readonly string[]): NetworkPlaces | undefined {
  const networks: Network[] = [];
  for (const text of texts) {
    const network = parseNetwork(text.trim());
    if (network === undefined) return undefined;
    networks.push(network);
  }
  networks.sort((a, b) => b.bits - a.bits);
  return {
    placeOf(address) {
      const known = numberOf(address.replace(/^::ffff:(?=\d)/, ''));
      if (known === undefined) return undefined;
      const { width, value } = known;
      return networks.find((one) => one.width === width && value >> BigInt(width - one.bits) === one.prefix)?.place;
    },
  };
}

interface Network {
  readonly width: 32 | 128;
  readonly bits: number;
  readonly prefix: bigint;
  readonly place: NetworkPlace;
}

function parseNetwork(text: string): Network | undefined {
  const [, address = '', bitsText = '', site = '', latitudeText, longitudeText] = ENTRY.exec(text) ?? [];
  const known = numberOf(address);
  const bits = Number(bitsText);
  if (known === undefined || bits > known.width) return undefined;
  const latitude = Number(latitudeText);
  const longitude = Number(longitudeText);
  const isSomewhere = latitudeText !== undefined && longitudeText !== undefined;
  if (isSomewhere && (Math.abs(latitude) > 90 || Math.abs(longitude) > 180)) return undefined;
  return {
    width: known.width,
    bits,
    prefix: known.value >> BigInt(known.width - bits),
    place: { site: site.trim(), ...(isSomewhere && { latitude, longitude }) },
  };
}

function numberOf(address: string): { readonly width: 32 | 128; readonly value: bigint } | undefined {
  const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (bytes !== undefined) {
    if (bytes.some((byte) => byte > 255)) return undefined;
    return { width: 32, value: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) };
  }
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  return { width: 128, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

/** RFC 4291 §2.2: eight groups of hexadecimal digits, one run of zeros left out. */
function groupsOf(address: string): readonly number[] | undefined {
  const halves = address.split('::');
  if (halves.length > 2 || !address.includes(':')) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}
