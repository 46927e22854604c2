import type { Alert, AlertChoices } from '@healthsync/contracts/alert';
import type { EscalationPreview } from '@healthsync/contracts/escalation';
import { Button, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api } from '../api.ts';
import { alarmText } from '../live/alarm-rank.ts';
import { useServices } from '../services.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { acknowledge, escalate, snooze, writeNote } from './alarm-actions.ts';
import { StepList } from './step-list.tsx';

export type AlarmDialog = 'note' | 'snooze' | 'escalate';

const OPEN = 'healthsync:alarm-dialog';

/** From any page: the row of a worklist, a patient's alarm bar, a key. */
export function openAlarmDialog(kind: AlarmDialog, alert: Alert): void {
  dispatchEvent(new CustomEvent(OPEN, { detail: { kind, alert } }));
}

/** Notes that were begun and not sent, until the page is left: a dialog closed by mistake loses nothing. */
const drafts = new Map<string, string>();

export function AlarmDialogs() {
  const [open, setOpen] = useState<{ readonly kind: AlarmDialog; readonly alert: Alert }>();
  useEffect(() => {
    const listen = (event: Event) => setOpen((event as CustomEvent).detail);
    addEventListener(OPEN, listen);
    return () => removeEventListener(OPEN, listen);
  }, []);
  if (open === undefined) return null;
  const { alert } = open;
  const props = { alert, onClose: () => setOpen(undefined) };
  if (open.kind === 'note') return <NoteDialog {...props} />;
  return open.kind === 'snooze' ? <SnoozeDialog {...props} /> : <EscalateDialog {...props} />;
}

interface DialogProps {
  readonly alert: Alert;
  readonly onClose: () => void;
}

const titleOf = (what: string, { bed, ...alert }: Alert): string =>
  `${what} · ${bed ?? 'No bed'} · ${alarmText({ ...alert, ...(bed !== undefined && { bed }) })}`;

function NoteDialog({ alert, onClose }: DialogProps) {
  const { store } = useServices();
  const queries = useQueryClient();
  const saving = useSaving();
  const [text, setText] = useState(drafts.get(alert.id) ?? '');
  const change = (next: string) => {
    drafts.set(alert.id, next);
    setText(next);
  };
  async function save(andAcknowledge: boolean): Promise<void> {
    if (!(await saving.run(() => writeNote(alert.id, text.trim())))) return;
    drafts.delete(alert.id);
    await queries.invalidateQueries({ queryKey: ['alert', alert.id] });
    onClose();
    if (andAcknowledge) await acknowledge(store, alert.id);
  }
  return (
    <Dialog onClose={onClose} title={titleOf('Note', alert)}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save(false);
        }}
      >
        <SaveProblem saving={saving} shown={['text']} />
        <Textarea
          label="Note"
          description="Kept with the alarm and your name. It is sent to nobody."
          data-autofocus
          autosize
          minRows={3}
          maxRows={10}
          maxLength={2_000}
          value={text}
          error={saving.errorOf('text')}
          onChange={(event) => change(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim() !== '') void save(false);
          }}
        />
        <div className="row dialog-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          {alert.acknowledgedAt === undefined && alert.state === 'active' && (
            <Button variant="default" disabled={text.trim() === '' || saving.isBusy} onClick={() => void save(true)}>
              Save and acknowledge
            </Button>
          )}
          <Button type="submit" loading={saving.isBusy} disabled={text.trim() === ''}>
            Save note
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function SnoozeDialog({ alert, onClose }: DialogProps) {
  const { store } = useServices();
  const choices = useQuery({
    queryKey: ['alert-choices'],
    queryFn: () => api<AlertChoices>('/api/alerts/choices'),
    staleTime: 600_000,
  });
  const choose = (minutes: number) => {
    onClose();
    void snooze(store, alert.id, minutes);
  };
  return (
    <Dialog onClose={onClose} title={titleOf('Snooze', alert)}>
      <p className="dialog-lead">
        It goes quiet on every screen for this long at most, is shown as snoozed, and calls again by itself. It is not
        acknowledged by this.
      </p>
      <Awaited query={choices} rows={1}>
        {({ snoozeMinutes }) => {
          const minutes = snoozeMinutes[alert.priority];
          if (minutes.length === 0) return <p>A {alert.priority} alarm cannot be snoozed here. Acknowledge it.</p>;
          return <SnoozeChoices minutes={minutes} choose={choose} />;
        }}
      </Awaited>
    </Dialog>
  );
}

/** Buttons, and the digits 1, 2, 3 wherever the focus is in the dialog. */
function SnoozeChoices({
  minutes,
  choose,
}: {
  readonly minutes: readonly number[];
  readonly choose: (minutes: number) => void;
}) {
  const first = useRef<HTMLButtonElement>(null);
  const latest = useRef(choose);
  latest.current = choose;
  useEffect(() => first.current?.focus(), []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const chosen = minutes[Number(event.key) - 1];
      if (chosen !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) latest.current(chosen);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [minutes]);
  return (
    <div className="choices">
      {minutes.map((each, place) => (
        <Button
          key={each}
          size="lg"
          variant="default"
          {...(place === 0 && { ref: first })}
          onClick={() => choose(each)}
        >
          {each} min&nbsp;<kbd>{place + 1}</kbd>
        </Button>
      ))}
    </div>
  );
}

function EscalateDialog({ alert, onClose }: DialogProps) {
  const queries = useQueryClient();
  const saving = useSaving();
  const [reason, setReason] = useState('');
  const preview = useQuery({
    queryKey: ['escalation-preview', alert.patientId, alert.priority],
    queryFn: () =>
      api<EscalationPreview>(
        `/api/escalation/preview?patient=${encodeURIComponent(alert.patientId)}&priority=${alert.priority}&kind=${alert.kind}`,
      ),
    gcTime: 0,
  });
  async function send(): Promise<void> {
    if (!(await saving.run(() => escalate(alert.id, reason)))) return;
    await queries.invalidateQueries({ queryKey: ['escalation', alert.id] });
    onClose();
  }
  return (
    <Dialog onClose={onClose} title={titleOf('Escalate', alert)} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <p className="dialog-lead">The next people are told now, without waiting for the time to run out.</p>
        <SaveProblem saving={saving} shown={['reason']} />
        <Awaited query={preview} rows={3}>
          {({ steps }) =>
            steps.length === 0 ? <p>Alarms like this one are not escalated.</p> : <StepList steps={steps} isPlan />
          }
        </Awaited>
        <Textarea
          label="Reason (may be left out)"
          data-autofocus
          autosize
          maxLength={500}
          value={reason}
          error={saving.errorOf('reason')}
          onChange={(event) => setReason(event.target.value)}
        />
        <div className="row dialog-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={saving.isBusy}>
            Tell the next people now
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
