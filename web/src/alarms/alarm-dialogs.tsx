import type { Alert } from '@healthsync/contracts/alert';
import type { EscalationPreview } from '@healthsync/contracts/escalation';
import { Button, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api } from '../api.ts';
import { alarmText } from '../live/alarm-rank.ts';
import { useServices } from '../services.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { acknowledge, escalate, snooze, writeNote } from './alarm-actions.ts';
import { EscalationLadder } from './escalation-ladder.tsx';
import { useSnoozeChoices } from './snooze-choices.ts';
import { StepList } from './step-list.tsx';
import { useWhere } from './where.ts';

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

function useTitle(what: string, alert: Alert): string {
  return `${what} · ${useWhere(alert).text} · ${alarmText(alert)}`;
}

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
    <Dialog onClose={onClose} title={useTitle('Note', alert)}>
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
  const choices = useSnoozeChoices();
  const choose = (minutes: number) => {
    onClose();
    void snooze(store, alert.id, minutes);
  };
  return (
    <Dialog onClose={onClose} title={useTitle('Snooze', alert)}>
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
    queryKey: ['escalation', alert.id, 'next'],
    queryFn: () => api<EscalationPreview>(`/api/alerts/${encodeURIComponent(alert.id)}/escalation/next`),
    gcTime: 0,
  });
  async function send(): Promise<void> {
    if (!(await saving.run(() => escalate(alert.id, reason)))) return;
    await queries.invalidateQueries({ queryKey: ['escalation', alert.id] });
    onClose();
  }
  return (
    <Dialog onClose={onClose} title={useTitle('Escalate', alert)} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <p className="dialog-lead">The next people are told now, without waiting for the time to run out.</p>
        <div>
          <h3 className="terms-title">So far</h3>
          <EscalationLadder alert={alert} />
        </div>
        <SaveProblem saving={saving} shown={['reason']} />
        <Awaited query={preview} rows={3}>
          {({ steps }) => (
            <div>
              <h3 className="terms-title">Now, and then if nobody answers</h3>
              {steps.length === 0 ? (
                <p>There is nobody further to tell.</p>
              ) : (
                <StepList steps={steps} isPlan firstIsNow />
              )}
            </div>
          )}
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
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy}>
          Tell the next people now
        </DialogEnd>
      </form>
    </Dialog>
  );
}
