import type { DeviceEnrollment, DeviceEnrollmentList } from '@healthsync/contracts/device-enrollment';
import { Button, Checkbox } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { Fingerprint } from './fingerprint.tsx';
import { InviteDialog } from './invite-dialog.tsx';

type Asked =
  | { readonly kind: 'invite' }
  | { readonly kind: 'approve' | 'refuse'; readonly enrollment: DeviceEnrollment };

/** Devices on their way in: codes that are out, and what waits for a person to compare a fingerprint. */
export function Enrollments() {
  const { may } = useSession();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Asked>();
  const query = useQuery({
    queryKey: ['device-enrollments'],
    queryFn: () => api<DeviceEnrollmentList>('/api/device-enrollments'),
    refetchInterval: 5_000,
  });
  const done = async () => {
    setAsked(undefined);
    await Promise.all(['device-enrollments', 'devices'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
  };
  return (
    <section>
      <div className="row page-head">
        <h2>Coming in</h2>
        {may('device.enroll') && <Button onClick={() => setAsked({ kind: 'invite' })}>Invite a device</Button>}
      </div>
      <Awaited query={query} rows={2}>
        {({ enrollments }) => <Lists enrollments={enrollments} ask={setAsked} />}
      </Awaited>
      {asked?.kind === 'invite' && <InviteDialog onClose={() => void done()} />}
      {asked?.kind === 'approve' && (
        <ApproveDialog enrollment={asked.enrollment} onClose={() => setAsked(undefined)} onDone={done} />
      )}
      {asked?.kind === 'refuse' && (
        <RefuseDialog enrollment={asked.enrollment} onClose={() => setAsked(undefined)} onDone={done} />
      )}
    </section>
  );
}

function Lists({
  enrollments,
  ask,
}: {
  readonly enrollments: readonly DeviceEnrollment[];
  readonly ask: (asked: Asked) => void;
}) {
  const waiting = enrollments.filter(({ state }) => state === 'waiting' || state === 'approved');
  const invited = enrollments.filter(({ state }) => state === 'invited');
  const past = enrollments.filter((one) => !waiting.includes(one) && !invited.includes(one));
  return (
    <>
      {waiting.length === 0 && invited.length === 0 && <p className="soft">No device waits, and no code is out.</p>}
      <ul className="enrollments">
        {waiting.map((one) => (
          <Waiting key={one.id} enrollment={one} ask={ask} />
        ))}
        {invited.map((one) => (
          <Invited key={one.id} enrollment={one} ask={ask} />
        ))}
      </ul>
      {past.length > 0 && (
        <details>
          <summary>Decided and expired ({past.length})</summary>
          <Past enrollments={past} />
        </details>
      )}
    </>
  );
}

function Waiting({ enrollment, ask }: { readonly enrollment: DeviceEnrollment; readonly ask: (asked: Asked) => void }) {
  const { may } = useSession();
  const { request } = enrollment;
  return (
    <li className="enrollment enrollment-waits">
      <div className="row">
        <strong className="device-name">{enrollment.deviceId}</strong>
        <span className="state">waits to be let in</span>
      </div>
      {enrollment.isKnown && (
        <p className="chip-warn">
          ⚠ There is a device of this name with a certificate that counts. Is it being replaced?
        </p>
      )}
      {request !== undefined && <Stated request={request} />}
      <p className="soft">
        Invited by {isolated(enrollment.invitedBy)}; waits until <When at={enrollment.expiresAt} zone="named" />.
      </p>
      {may('device.enroll') && (
        <div className="row">
          {enrollment.approval === 'yours' && (
            <Button onClick={() => ask({ kind: 'approve', enrollment })}>
              Let in…<span className="unseen"> {enrollment.deviceId}</span>
            </Button>
          )}
          <Button variant="default" onClick={() => ask({ kind: 'refuse', enrollment })}>
            Refuse…<span className="unseen"> {enrollment.deviceId}</span>
          </Button>
          {enrollment.approval === 'another-person' && (
            <span className="soft">You made the code: somebody else lets it in.</span>
          )}
        </div>
      )}
    </li>
  );
}

function Stated({ request }: { readonly request: NonNullable<DeviceEnrollment['request']> }) {
  const { maker, model, serialNumber } = request;
  const said = [maker, model, serialNumber && `no. ${serialNumber}`].filter((one) => one !== undefined);
  return (
    <dl className="terms">
      <div>
        <dt>Key</dt>
        <dd>
          <Fingerprint value={request.keyFingerprint} />
        </dd>
      </div>
      <div>
        <dt>It says</dt>
        <dd className="device-name">{said.length === 0 ? 'nothing of itself' : said.join(', ')}</dd>
      </div>
      <div>
        <dt>Asked</dt>
        <dd>
          <When at={request.at} zone="named" /> from {request.address}
        </dd>
      </div>
    </dl>
  );
}

function Invited({ enrollment, ask }: { readonly enrollment: DeviceEnrollment; readonly ask: (asked: Asked) => void }) {
  const { may } = useSession();
  return (
    <li className="enrollment row">
      <strong className="device-name">{enrollment.deviceId}</strong>
      <span>
        has a code until <When at={enrollment.expiresAt} zone="named" />, from {enrollment.invitedBy}
      </span>
      {may('device.enroll') && (
        <button type="button" className="plain-button" onClick={() => ask({ kind: 'refuse', enrollment })}>
          Take back<span className="unseen"> the code of {enrollment.deviceId}</span>
        </button>
      )}
    </li>
  );
}

const STATE_WORDS: Readonly<Record<DeviceEnrollment['state'], string>> = {
  invited: 'invited',
  waiting: 'waits',
  approved: 'let in',
  issued: 'let in',
  refused: 'refused',
  withdrawn: 'code taken back',
  expired: 'expired',
};

function Past({ enrollments }: { readonly enrollments: readonly DeviceEnrollment[] }) {
  return (
    <div className="table-box">
      <table className="table stacking">
        <thead>
          <tr>
            <th scope="col">Device</th>
            <th scope="col">What became of it</th>
            <th scope="col">When</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {enrollments.map((one) => (
            <tr key={one.id}>
              <td className="device-name">{one.deviceId}</td>
              <td data-label="Became">
                <span>
                  {STATE_WORDS[one.state]}
                  {one.reason !== undefined && <span className="soft"> {one.reason}</span>}
                </span>
              </td>
              <td data-label="When">
                <When at={one.decidedAt ?? one.expiresAt} zone="named" />
              </td>
              <td data-label="By" className="device-name">
                {one.decidedBy ?? '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Deciding {
  readonly enrollment: DeviceEnrollment;
  readonly onClose: () => void;
  readonly onDone: () => Promise<void>;
}

/** The one thing that keeps a stranger with a stolen code out: somebody looks at the device. */
function ApproveDialog({ enrollment, onClose, onDone }: Deciding) {
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const [isCompared, setCompared] = useState(false);
  const { request } = enrollment;

  async function approve(): Promise<void> {
    const path = `/api/device-enrollments/${encodeURIComponent(enrollment.id)}/approve`;
    const body = { keyFingerprint: request?.keyFingerprint };
    const isDone = await saving.run(() =>
      stepUp(async () => {
        await api(path, { method: 'POST', body });
      }),
    );
    if (isDone) await onDone();
  }

  if (dialog) return dialog;
  return (
    <Dialog title={`Let in ${enrollment.deviceId}`} size="lg" onClose={onClose}>
      <SaveProblem saving={saving} shown={[]} />
      {request !== undefined && <Stated request={request} />}
      <Checkbox
        my="md"
        label="I have looked at the device itself: it shows this fingerprint."
        checked={isCompared}
        onChange={(event) => setCompared(event.target.checked)}
        data-autofocus
      />
      <p className="dialog-lead">
        Whoever holds this key sends readings in the name of {enrollment.deviceId} from then on.
      </p>
      <div className="row dialog-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={saving.isBusy} disabled={!isCompared} onClick={() => void approve()}>
          Let in
        </Button>
      </div>
    </Dialog>
  );
}

function RefuseDialog({ enrollment, onClose, onDone }: Deciding) {
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const [reason, setReason] = useState('');
  const isCode = enrollment.state === 'invited';

  async function refuse(): Promise<void> {
    const path = `/api/device-enrollments/${encodeURIComponent(enrollment.id)}/refuse`;
    const isDone = await saving.run(() =>
      stepUp(async () => {
        await api(path, { method: 'POST', body: { reason: reason.trim() } });
      }),
    );
    if (isDone) await onDone();
  }

  if (dialog) return dialog;
  return (
    <Dialog
      title={isCode ? `Take back the code of ${enrollment.deviceId}` : `Refuse ${enrollment.deviceId}`}
      onClose={onClose}
    >
      <SaveProblem saving={saving} shown={['reason']} />
      <ReasonField value={reason} saving={saving} onChange={setReason} />
      <div className="row dialog-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={saving.isBusy} disabled={reason.trim().length < 3} onClick={() => void refuse()}>
          {isCode ? 'Take back' : 'Refuse'}
        </Button>
      </div>
    </Dialog>
  );
}
