import { describe, expect, it } from 'vitest';
import { CHANNEL_TRAITS, CHANNEL_TYPES, type ChannelType } from './channel.ts';
import { parseContactAddress } from './contact-address.ts';

describe('an address', () => {
  it.each<[ChannelType, string, string]>([
    ['smtp', ' Anna@Ward.example ', 'anna@ward.example'],
    ['sms', '+49 (30) 1234-56', '+4930123456'],
    ['whatsapp', '+4930123456', '+4930123456'],
    ['slack', 'u012abcdef', 'U012ABCDEF'],
    ['teams', '6F9619FF-8B86-D011-B42D-00CF4FC964FF', '6f9619ff-8b86-d011-b42d-00cf4fc964ff'],
    ['pagerduty', 'pabc123', 'PABC123'],
  ])('of %s %j is written one way', (type, text, address) => {
    expect(parseContactAddress(type, text)).toBe(address);
    expect(parseContactAddress(type, address)).toBe(address);
  });
  it.each<[ChannelType, string]>([
    ['smtp', 'anna'],
    ['smtp', 'a@b@c'],
    ['smtp', 'anna@x\nbcc: all@x'],
    ['smtp', 'a@x,b@x'],
    ['sms', '030123456'],
    ['sms', '+0301234567'],
    ['sms', '+1234567890123456'],
    ['sms', '+49abc'],
    ['slack', 'C012ABCDEF'],
    ['pagerduty', 'me'],
    ['webhook', 'https://x'],
  ])('of %s is not %j', (type, text) => expect(parseContactAddress(type, text)).toBeUndefined());
  it('exists for every channel that reaches people', () => {
    for (const type of CHANNEL_TYPES)
      if (CHANNEL_TRAITS[type].contact !== undefined && type !== 'web-push')
        expect([
          type,
          ['a@b.example', '+4930123456', 'U012ABC', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'PABC123'].some(
            (text) => parseContactAddress(type, text) !== undefined,
          ),
        ]).toEqual([type, true]);
  });
});
