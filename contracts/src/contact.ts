import { type Static, Type } from 'typebox';
import { FromVersion, Version } from './problem.ts';

const ChannelName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$', description: 'As in `GET /api/channels`.' });
const Address = Type.String({
  minLength: 1,
  maxLength: 254,
  pattern: '^[^\\x00-\\x1f\\x7f]+$',
  description: 'A mail address, a phone number `+4930123456`, a Slack user id: what this channel sends to.',
});
const MinPriority = Type.Enum(['high', 'medium', 'low'], { description: 'Told only of alarms at least this urgent.' });

/** One way to reach a person. Nothing is sent to an unverified one but its code. */
export const Contact = Type.Object(
  {
    channel: ChannelName,
    channelType: Type.String({ description: '`smtp`, `sms`, …; `unknown` where the channel is no longer configured.' }),
    address: Address,
    verified: Type.Boolean(),
    verifiedBy: Type.Optional(
      Type.Enum(['code', 'admin', 'channel'], { description: '`channel`: the channel itself proves whose it is.' }),
    ),
    minPriority: Type.Optional(MinPriority),
  },
  { $id: 'Contact' },
);
export type Contact = Static<typeof Contact>;

/** `GET /api/me/contacts`, `GET /api/users/{id}/contacts`. */
export const ContactList = Type.Object(
  {
    version: Version,
    contacts: Type.Array(Contact),
    /** Channels that reach a person, for a form. */
    channels: Type.Array(
      Type.Object({
        name: ChannelName,
        type: Type.String(),
        addressHint: Type.String({ description: 'What an address looks like: `+4930123456`.' }),
        verification: Type.Enum(['code', 'admin', 'channel'], { description: 'How an address is proved here.' }),
      }),
    ),
  },
  { $id: 'ContactList' },
);
export type ContactList = Static<typeof ContactList>;

/**
 * `PUT /api/me/contacts` and `PUT /api/users/{id}/contacts` (administrators): these and no others. One that was verified
 * and is named again stays verified; a new one is not, until its code is confirmed.
 */
export const PutContacts = Type.Object(
  {
    version: FromVersion,
    contacts: Type.Array(
      Type.Object(
        {
          channel: ChannelName,
          address: Address,
          minPriority: Type.Optional(MinPriority),
          vouched: Type.Optional(
            Type.Boolean({ description: 'Administrators only: verified without a code, because they know it.' }),
          ),
        },
        { additionalProperties: false },
      ),
      { maxItems: 20 },
    ),
  },
  { $id: 'PutContacts', additionalProperties: false },
);
export type PutContacts = Static<typeof PutContacts>;

/** `POST /api/me/contacts/send-code`: sends a six-digit code there, good for 15 minutes. */
export const SendContactCode = Type.Object(
  { channel: ChannelName, address: Address },
  { $id: 'SendContactCode', additionalProperties: false },
);
export type SendContactCode = Static<typeof SendContactCode>;

/** `POST /api/me/contacts/confirm`: answers with the `ContactList`, or the codes `wrong-code`, `code-expired`, `taken`. */
export const ConfirmContact = Type.Object(
  { channel: ChannelName, address: Address, code: Type.String({ pattern: '^\\d{6}$' }) },
  { $id: 'ConfirmContact', additionalProperties: false },
);
export type ConfirmContact = Static<typeof ConfirmContact>;
