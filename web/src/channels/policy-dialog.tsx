import type { Channel, MessageSamples, PutChannelPolicy } from '@healthsync/contracts/channel';
import { NumberInput, Radio, Switch } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { LEVEL_WORDS } from './channels-page.tsx';

const LEVELS = ['minimal', 'standard', 'detailed', 'rich'] as const;

/** What a channel may say, shown in its own words; how fast it may go. Every version is kept, with its reason. */
export function PolicyDialog({ channel, onClose }: { readonly channel: Channel; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const saving = useSaving();
  const { level, confidential, answers, summarises, limits, version } = channel.policy;
  const [draft, setDraft] = useState({ level, confidential, answers, summarises, limits });
  const [reason, setReason] = useState('');
  const samples = useQuery({
    queryKey: ['message-samples'],
    queryFn: () => api<MessageSamples>('/api/channels/samples'),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const change = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });
  async function save(): Promise<void> {
    const body: PutChannelPolicy = { ...draft, version, reason: reason.trim() };
    const path = `/api/channels/${encodeURIComponent(channel.name)}/policy`;
    if (!(await saving.run(() => api(path, { method: 'PUT', body })))) return;
    await queries.invalidateQueries({ queryKey: ['channels'] });
    onClose();
  }
  const rate = (of: 'channel' | 'recipient', field: 'burst' | 'perMinute') => (value: number | string) =>
    change({ limits: { ...draft.limits, [of]: { ...draft.limits[of], [field]: Number(value) } } });
  return (
    <Dialog onClose={onClose} title={`What ${channel.name} may say`} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={['level', 'confidential', 'limits', 'reason']} />
        <Radio.Group
          label="A message says"
          value={draft.level}
          error={saving.errorOf('level')}
          onChange={(value) => change({ level: value as typeof level })}
        >
          <div className="levels">
            {LEVELS.map((each) => {
              const sample = samples.data?.samples.find((one) => one.level === each);
              return (
                <Radio
                  key={each}
                  value={each}
                  disabled={each === 'rich' && !draft.confidential}
                  label={LEVEL_WORDS[each]}
                  description={
                    each === 'rich' && !draft.confidential
                      ? 'Only on a channel marked confidential'
                      : sample === undefined
                        ? undefined
                        : `“${sample.text}”`
                  }
                />
              );
            })}
          </div>
        </Radio.Group>
        <Switch
          label="Confidential: the way to the reader is protected, names may be said"
          checked={draft.confidential}
          error={saving.errorOf('confidential')}
          onChange={() =>
            change({
              confidential: !draft.confidential,
              ...(draft.confidential && draft.level === 'rich' && { level: 'detailed' }),
            })
          }
        />
        <Switch
          label="Can be answered: acknowledge from there"
          checked={draft.answers}
          onChange={() => change({ answers: !draft.answers })}
        />
        <Switch
          label="Several that had to wait are told as one (for people, not machines)"
          checked={draft.summarises}
          onChange={() => change({ summarises: !draft.summarises })}
        />
        <div className="pair">
          {(['recipient', 'channel'] as const).flatMap((of) => [
            <NumberInput
              key={`${of} perMinute`}
              label={of === 'channel' ? 'In all, each minute' : 'To one recipient, each minute'}
              min={0.1}
              value={draft.limits[of].perMinute}
              error={saving.errorOf(`limits.${of}.perMinute`)}
              onChange={rate(of, 'perMinute')}
            />,
            <NumberInput
              key={`${of} burst`}
              label="At once"
              min={1}
              value={draft.limits[of].burst}
              error={saving.errorOf(`limits.${of}.burst`)}
              onChange={rate(of, 'burst')}
            />,
          ])}
        </div>
        <ReasonField value={reason} saving={saving} onChange={setReason} />
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={reason.trim().length < 3}>
          Save
        </DialogEnd>
      </form>
    </Dialog>
  );
}
