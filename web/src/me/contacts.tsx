import type { Contact, ContactList, PutContacts } from '@healthsync/contracts/contact';
import { Button, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, problemText } from '../api.ts';
import { ChannelTest } from '../channels/channel-test.tsx';
import { TYPE_WORDS } from '../channels/channels-page.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { showToast } from '../widgets/toast.ts';

const KEY = ['contacts'];
const PRIORITIES = [
  { value: 'low', label: 'every alarm' },
  { value: 'medium', label: 'medium and high' },
  { value: 'high', label: 'high only' },
];

/** Where I can be reached. Nothing is sent to an address that has not been proved to be mine. */
export function Contacts() {
  const query = useQuery({ queryKey: KEY, queryFn: () => api<ContactList>('/api/me/contacts'), gcTime: 0 });
  const queries = useQueryClient();
  const put = async (contacts: PutContacts['contacts']): Promise<void> => {
    const body: PutContacts = { contacts, ...(query.data !== undefined && { version: query.data.version }) };
    try {
      queries.setQueryData(KEY, await api<ContactList>('/api/me/contacts', { method: 'PUT', body }));
    } catch (error) {
      // Changed on another screen meanwhile: what is chosen next is chosen among what is true.
      await query.refetch();
      throw error;
    }
  };
  return (
    <section className="panel" aria-label="My contacts">
      <h2>Where I can be reached</h2>
      <Awaited query={query} rows={3}>
        {(list) => (
          <>
            {list.contacts.length === 0 && (
              <p className="chip-warn">⚠ Nowhere yet: alarms that are yours go past you to the next person.</p>
            )}
            <ul className="contacts">
              {list.contacts.map((contact) => (
                <ContactRow
                  key={`${contact.channel} ${contact.address}`}
                  contact={contact}
                  verification={list.channels.find(({ name }) => name === contact.channel)?.verification}
                  change={(part) =>
                    put(list.contacts.map((one) => (one === contact ? { ...wire(one), ...part } : wire(one))))
                  }
                  remove={() => put(list.contacts.filter((one) => one !== contact).map(wire))}
                />
              ))}
            </ul>
            <AddContact list={list} add={(contact) => put([...list.contacts.map(wire), contact])} />
          </>
        )}
      </Awaited>
    </section>
  );
}

type Wire = PutContacts['contacts'][number];
const wire = ({ channel, address, minPriority }: Contact): Wire => ({
  channel,
  address,
  ...(minPriority !== undefined && { minPriority }),
});

function ContactRow({
  contact,
  verification,
  change,
  remove,
}: {
  readonly contact: Contact;
  readonly verification: string | undefined;
  readonly change: (part: Partial<Wire>) => Promise<void>;
  readonly remove: () => Promise<void>;
}) {
  const tell = (action: () => Promise<void>) => void action().catch((error) => showToast(problemText(error)));
  return (
    <li className="contact">
      <div>
        <strong>{contact.address}</strong>{' '}
        <span className="soft">
          {contact.channel} ({TYPE_WORDS[contact.channelType] ?? contact.channelType})
        </span>{' '}
        {contact.verified ? (
          <span className="fine">✓ proved{contact.verifiedBy === 'admin' && ' by an administrator'}</span>
        ) : (
          <strong className="chip-warn">not proved: nothing is sent there</strong>
        )}
      </div>
      <div className="row">
        <label>
          Tells of{' '}
          <select
            value={contact.minPriority ?? 'low'}
            onChange={(event) => tell(() => change({ minPriority: event.target.value as 'low' }))}
          >
            {PRIORITIES.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="plain-button" onClick={() => tell(remove)}>
          Remove<span className="unseen"> {contact.address}</span>
        </button>
      </div>
      {contact.verified && (
        <div className="row">
          <ChannelTest channel={{ name: contact.channel, endpoints: [], reachesPeople: true }} />
        </div>
      )}
      {!contact.verified && verification === 'code' && <Prove contact={contact} />}
      {!contact.verified && verification === 'admin' && <p className="soft">An administrator has to vouch for it.</p>}
    </li>
  );
}

/** A code is sent there; whoever can read it, it is theirs. */
function Prove({ contact: { channel, address } }: { readonly contact: Contact }) {
  const queries = useQueryClient();
  const saving = useSaving();
  const [isSent, setSent] = useState(false);
  const [code, setCode] = useState('');
  const send = async () => {
    const path = '/api/me/contacts/send-code';
    if (await saving.run(() => api(path, { method: 'POST', body: { channel, address } }))) setSent(true);
  };
  async function confirm(event: FormEvent): Promise<void> {
    event.preventDefault();
    const body = { channel, address, code: code.trim() };
    await saving.run(async () => {
      queries.setQueryData(KEY, await api<ContactList>('/api/me/contacts/confirm', { method: 'POST', body }));
    });
  }
  return (
    <form className="row" onSubmit={(event) => void confirm(event)}>
      <SaveProblem saving={saving} shown={[]} />
      <button type="button" className="act" disabled={saving.isBusy} onClick={() => void send()}>
        {isSent ? 'Send another code' : 'Send a code there'}
      </button>
      {isSent && (
        <>
          <TextInput
            aria-label={`Code sent to ${address}`}
            placeholder="six digits"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={6}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
          <Button type="submit" size="compact-md" disabled={!/^\d{6}$/.test(code.trim())}>
            Prove
          </Button>
        </>
      )}
    </form>
  );
}

function AddContact({ list, add }: { readonly list: ContactList; readonly add: (contact: Wire) => Promise<void> }) {
  const saving = useSaving();
  const [channel, setChannel] = useState<string | null>(
    list.channels.find(({ verification }) => verification !== 'channel')?.name ?? null,
  );
  const [address, setAddress] = useState('');
  const wanted = list.channels.filter(({ verification }) => verification !== 'channel');
  const hint = list.channels.find(({ name }) => name === channel)?.addressHint;
  // A browser proves itself by subscribing: that is done beside, not typed.
  if (wanted.length === 0) return <p className="soft">No channel with an address of one’s own is configured.</p>;
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (await saving.run(() => add({ channel: channel ?? '', address: address.trim() }))) setAddress('');
  }
  return (
    <form className="add-contact" onSubmit={(event) => void submit(event)}>
      <SaveProblem saving={saving} shown={[]} />
      <div className="pair">
        <Select
          label="Add"
          data={wanted.map(({ name, type }) => ({
            value: name,
            label: `${name} (${TYPE_WORDS[type] ?? type})`,
          }))}
          value={channel}
          allowDeselect={false}
          onChange={setChannel}
        />
        <TextInput
          label="Address"
          placeholder={hint}
          autoComplete="off"
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
        <Button type="submit" className="align-end" loading={saving.isBusy} disabled={address.trim() === ''}>
          Add
        </Button>
      </div>
    </form>
  );
}
