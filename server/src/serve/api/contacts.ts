import { ConfirmContact, ContactList, PutContacts, SendContactCode } from '@healthsync/contracts/contact';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CHANNEL_TRAITS } from '../../domain/channel.ts';
import { parseContactAddress } from '../../domain/contact-address.ts';
import { parseUserId, type UserId } from '../../domain/ids.ts';
import { addressesGone } from '../../identity/account-notices.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { Contact, WantedContact } from '../../ports/contacts.ts';
import type { Notifier } from '../../ports/notifier.ts';
import { principalOf } from '../access-gate.ts';
import { reachesAccount } from '../account-reach.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { TellingServices } from '../telling-services.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { IdPath } from './parameters.ts';

/** How people can be reached: everyone their own, administrators anybody's. */
export function registerContacts(app: FastifyInstance, services: TellingServices): void {
  const api = app as unknown as Api;
  const { contacts, verification } = services;

  api.get(
    '/api/me/contacts',
    {
      config: { signedIn: true },
      schema: { summary: 'My contacts', tags: ['telling'], response: { 200: ContactList } },
    },
    async (request, reply) => sendList(reply, principalOf(request).userId),
  );

  api.put(
    '/api/me/contacts',
    {
      config: { action: 'own.reach' },
      schema: {
        summary: 'Replace my contacts; new ones are unverified until their code is confirmed',
        tags: ['telling'],
        body: PutContacts,
        response: { 200: ContactList },
      },
    },
    async (request, reply) => {
      if (request.body.contacts.some(({ vouched }) => vouched === true))
        return sendProblem(reply, {
          status: 403,
          code: 'not-allowed',
          detail: 'Nobody vouches for their own address.',
        });
      return replace(request, reply, principalOf(request).userId, request.body);
    },
  );

  api.post(
    '/api/me/contacts/send-code',
    {
      config: { action: 'own.reach' },
      schema: { summary: 'Send the code that proves an address', tags: ['telling'], body: SendContactCode },
    },
    async (request, reply) => {
      const outcome = await verification.sendCode({ userId: principalOf(request).userId, ...request.body });
      switch (outcome.kind) {
        case 'sent':
          return reply.code(204).send();
        case 'not-found':
          return notFound(reply, 'contact');
        case 'not-by-code':
          return sendProblem(reply, {
            status: 409,
            code: 'not-by-code',
            detail: 'Addresses of this channel are not proved by a code.',
          });
        case 'too-often':
          return sendProblem(reply, {
            status: 429,
            code: 'too-many-codes',
            detail: 'Too many codes. Wait before asking for the next.',
            retryAfterMs: outcome.retryAfterMs,
          });
        case 'undeliverable':
          return sendProblem(reply, {
            status: outcome.isPermanent ? 422 : 503,
            code: 'undeliverable',
            detail: `The channel did not take it: ${outcome.reason}.`,
          });
        default:
          return outcome satisfies never;
      }
    },
  );

  api.post(
    '/api/me/contacts/confirm',
    {
      config: { action: 'own.reach' },
      schema: { summary: 'Confirm the code', tags: ['telling'], body: ConfirmContact, response: { 200: ContactList } },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      const outcome = await verification.confirm({ userId, ...request.body });
      switch (outcome) {
        case 'verified':
          return sendList(reply, userId);
        case 'wrong':
          return sendProblem(reply, { status: 422, code: 'wrong-code', detail: 'That is not the code.' });
        case 'expired':
          return sendProblem(reply, { status: 410, code: 'code-expired', detail: 'Ask for a new code.' });
        case 'taken':
          return sendProblem(reply, { status: 409, code: 'taken', detail: 'Somebody else has this address.' });
        case 'not-found':
          return notFound(reply, 'contact');
        default:
          return outcome satisfies never;
      }
    },
  );

  api.get(
    '/api/users/:id/contacts',
    {
      config: { action: 'user.write' },
      schema: { summary: 'A person’s contacts', tags: ['telling'], params: IdPath, response: { 200: ContactList } },
    },
    async (request, reply) => {
      const userId = await reached(request.params.id, principalOf(request));
      return userId === undefined ? notFound(reply, 'user') : sendList(reply, userId);
    },
  );

  api.put(
    '/api/users/:id/contacts',
    {
      config: { action: 'user.write' },
      schema: {
        summary: 'Replace a person’s contacts; `vouched` ones need no code',
        tags: ['telling'],
        params: IdPath,
        body: PutContacts,
        response: { 200: ContactList },
      },
    },
    async (request, reply) => {
      const userId = await reached(request.params.id, principalOf(request));
      return userId === undefined ? notFound(reply, 'user') : replace(request, reply, userId, request.body);
    },
  );

  /** Whoever reaches further than who asks is not there. */
  async function reached(text: string, principal: Principal): Promise<UserId | undefined> {
    const id = parseUserId(text);
    const user = (await services.users()).find((one) => one.id === id);
    return user !== undefined && reachesAccount(principal, user.wardIds) ? user.id : undefined;
  }

  async function replace(
    request: FastifyRequest,
    reply: FastifyReply,
    userId: UserId,
    { contacts: wanted, version }: PutContacts,
  ): Promise<FastifyReply> {
    const parsed = parse(wanted, services.notifiers, userId);
    if (parsed.errors.length > 0) return invalid(reply, parsed.errors);
    const from = versionFrom(request, version);
    const by = signatureOf(principalOf(request));
    const made = { ...(from !== undefined && { from }), by, atMs: services.now() };
    const before = await contacts.ofUser(userId);
    const outcome = await contacts.replace(userId, parsed.contacts, made);
    switch (outcome.kind) {
      case 'kept': {
        // Where somebody else took an address away, that is the only place its owner still looks.
        const gone = addressesGone(before, parsed.contacts);
        if (gone.length > 0) await services.tellOwner?.(userId, 'address', gone);
        return sendList(reply, userId);
      }
      case 'changed-meanwhile':
        return notFromThis(reply, from, outcome);
      case 'taken':
        return invalid(
          reply,
          outcome.at.map((index) => ({
            code: 'taken',
            field: `contacts.${index}`,
            detail: 'somebody else has verified this address',
          })),
        );
      default:
        return outcome satisfies never;
    }
  }

  /** The version is read first: whoever changes it meanwhile makes this one old, not this list newer than it is. */
  async function sendList(reply: FastifyReply, userId: UserId): Promise<FastifyReply> {
    const version = await contacts.versionOf(userId);
    return sendVersioned(reply, version, { version, ...(await listOf(services, userId)) });
  }
}

function parse(wanted: PutContacts['contacts'], notifiers: readonly Notifier[], userId: UserId) {
  const errors: FieldError[] = [];
  const contacts: WantedContact[] = [];
  for (const [index, { channel, address: text, minPriority, vouched }] of wanted.entries()) {
    const type = notifiers.find((each) => each.channel === channel)?.type;
    const traits = type === undefined ? undefined : CHANNEL_TRAITS[type].contact;
    if (type === undefined || traits === undefined) {
      const detail = 'no channel of this name that reaches a person';
      errors.push({ code: 'unknown-channel', field: `contacts.${index}.channel`, detail });
      continue;
    }
    const isOwnBrowser = type === 'web-push';
    const address = isOwnBrowser ? userId : parseContactAddress(type, text);
    if (address === undefined) {
      const detail = `expected something like ${traits.addressHint}`;
      errors.push({ code: 'invalid-value', field: `contacts.${index}.address`, detail });
    } else if (contacts.some((each) => keyOf(each) === keyOf({ channel, address })))
      errors.push({ code: 'duplicate', field: `contacts.${index}`, detail: 'named twice' });
    else
      contacts.push({
        channel,
        address,
        ...(minPriority === undefined ? {} : { minPriority }),
        // A browser is registered under its person's session: nothing else needs to be proved.
        ...(vouched === true ? { vouchedBy: 'admin' } : isOwnBrowser ? { vouchedBy: 'channel' } : {}),
      });
  }
  return { contacts, errors };
}

const keyOf = ({ channel, address }: Pick<Contact, 'channel' | 'address'>) => `${channel}\n${address}`;

async function listOf({ contacts, notifiers }: TellingServices, userId: UserId): Promise<Omit<ContactList, 'version'>> {
  const types = new Map(notifiers.map(({ channel, type }) => [channel, type]));
  return {
    contacts: (await contacts.ofUser(userId)).map(({ userId: _, ...contact }) => ({
      ...contact,
      channelType: types.get(contact.channel) ?? 'unknown',
    })),
    channels: notifiers.flatMap(({ channel, type }) => {
      const { contact } = CHANNEL_TRAITS[type];
      return contact === undefined
        ? []
        : [{ name: channel, type, addressHint: contact.addressHint, verification: contact.verification }];
    }),
  };
}
