import { describe, expect, it } from 'vitest';
import { parseNetworkPlaces } from './network-place.ts';

const places = parseNetworkPlaces([
  '10.1.0.0/16=Vienna@48.21/16.37',
  '10.1.9.0/24=Vienna, house B@48.25/16.4',
  '10.9.0.0/16=VPN',
  '2001:db8:1::/48=Graz@47.07/15.44',
  '192.0.2.7/32=One@-33.9/151.2',
]);
const siteOf = (address: string) => places?.placeOf(address)?.site;

describe('a network', () => {
  it('holds its addresses; of several the narrowest counts', () => {
    expect(siteOf('10.1.2.3')).toBe('Vienna');
    expect(siteOf('10.1.9.77')).toBe('Vienna, house B');
    expect(siteOf('2001:db8:1:ffff::1')).toBe('Graz');
    expect(siteOf('2001:DB8:1::')).toBe('Graz');
    expect(siteOf('192.0.2.7')).toBe('One');
    expect(siteOf('::ffff:10.1.2.3')).toBe('Vienna');
  });

  it('holds no other’s, and nothing that is no address', () => {
    for (const address of [
      '10.2.0.1',
      '192.0.2.8',
      '2001:db8:2::1',
      '256.1.2.3',
      'local',
      '',
      '1:2:3',
      '::1::2',
      '10.1.2',
    ])
      expect(siteOf(address), address).toBeUndefined();
  });

  it('may be anywhere where nobody says where', () => {
    expect(places?.placeOf('10.9.0.1')).toEqual({ site: 'VPN' });
  });

  it('that is written wrongly is refused', () => {
    for (const text of [
      '10.1.0.0=Vienna',
      '10.1.0.0/33=X',
      '10.1.0/16=X',
      '10.1.0.0/16=X@91/0',
      '10.1.0.0/16=X@1/181',
      '10.1.0.0/16=',
      'x/8=X',
      '2001:db8::/129=X',
    ])
      expect(parseNetworkPlaces([text]), text).toBeUndefined();
  });
});
