import type { CommandResult, DeviceList, RevokeDevice, Revoked } from '@healthsync/contracts/device';
import { Button, Select } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { MomentField } from '../times/moment-field.tsx';
import { momentOf } from '../times/typed-moment.ts';
import { When } from '../times/when.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { expiryOf } from './certificate-expiry.ts';

type Device = DeviceList['devices'][number];
type Certificate = Device['certificates'][number];

/** What a device signs in with: until when each counts, and the way to take one away, or all. */
export function CertificatesDialog({ device, onClose }: { readonly device: Device; readonly onClose: () => void }) {
  const { may } = useSession();
  const queries = useQueryClient();
  // A certificate, or all: asked once more, with a reason.
  const [doomed, setDoomed] = useState<Certificate | 'all'>();
  const [done, setDone] = useState<number>();
  const [told, setTold] = useState<string>();
  const counting = device.certificates.filter((one) => expiryOf(one, Date.now()).counts);

  async function renew(): Promise<void> {
    try {
      const path = `/api/devices/${encodeURIComponent(device.id)}/renew`;
      const { outcome } = await api<CommandResult>(path, { method: 'POST' });
      setTold(outcome === 'sent' ? 'Told. Its new certificate appears here.' : 'It is told when it comes back.');
      await queries.invalidateQueries({ queryKey: ['devices'] });
    } catch (error) {
      setTold(problemText(error));
    }
  }

  if (doomed !== undefined)
    return (
      <RevokeDialog
        device={device}
        doomed={doomed}
        onClose={() => setDoomed(undefined)}
        onDone={(revoked) => {
          setDoomed(undefined);
          setDone(revoked);
          void queries.invalidateQueries({ queryKey: ['devices'] });
        }}
      />
    );
  return (
    <Dialog title={`Certificates of ${device.id}`} size="lg" onClose={onClose}>
      {done !== undefined && (
        <p className="fine" role="status">
          ✓ {done} revoked. A connection that used one ends within 5 seconds.
        </p>
      )}
      {device.certificates.length === 0 ? (
        <p className="soft">None.</p>
      ) : (
        <div className="table-box">
          <table className="table stacking">
            <thead>
              <tr>
                <th scope="col">Serial number</th>
                <th scope="col">Until</th>
                <th scope="col">State</th>
                <th scope="col">
                  <span className="unseen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {device.certificates.map((one) => {
                const expiry = expiryOf(one, Date.now());
                return (
                  <tr key={one.serial}>
                    <td>
                      <code className="serial">{one.serial}</code>
                    </td>
                    <td data-label="Until">
                      <When at={one.notAfter} zone="named" />
                    </td>
                    <td data-label="State">
                      <span className={expiry.isUrgent ? 'chip-warn' : undefined}>{expiry.text}</span>
                    </td>
                    <td>
                      {expiry.counts && may('device.write') && (
                        <Button
                          size="compact-sm"
                          variant="default"
                          aria-label={`Revoke ${one.serial}`}
                          onClick={() => setDoomed(one)}
                        >
                          Revoke
                        </Button>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      <p className="dialog-lead">
        A device renews by itself when a third of its time is left. One that cannot:{' '}
        <code className="serial">healthsync device renew {device.id} --out FOLDER</code>
      </p>
      {told !== undefined && <p role="status">{told}</p>}
      {counting.length > 0 && may('device.write') && (
        <div className="row">
          <Button variant="default" onClick={() => void renew()}>
            Renew now
          </Button>
          <Button variant="default" onClick={() => setDoomed('all')}>
            Revoke all, and its tokens
          </Button>
        </div>
      )}
    </Dialog>
  );
}

type Code = NonNullable<RevokeDevice['code']>;
const WHY: readonly { readonly value: Code; readonly label: string }[] = [
  { value: 'unspecified', label: 'Something else' },
  { value: 'keyCompromise', label: 'Lost, stolen, or somebody else may have its key' },
  { value: 'cessationOfOperation', label: 'Out of use' },
  { value: 'superseded', label: 'Replaced by another certificate' },
];

function RevokeDialog({
  device,
  doomed,
  onClose,
  onDone,
}: {
  readonly device: Device;
  readonly doomed: Certificate | 'all';
  readonly onClose: () => void;
  readonly onDone: (revoked: number) => void;
}) {
  const saving = useSaving();
  const [reason, setReason] = useState('');
  const [code, setCode] = useState<Code>('unspecified');
  const [since, setSince] = useState('');
  const isStolen = code === 'keyCompromise';
  const others = device.certificates.filter((one) => one !== doomed && expiryOf(one, Date.now()).counts);
  const isLast = doomed === 'all' || others.length === 0;

  async function revoke(): Promise<void> {
    const stolenAt = momentOf(since);
    const body: RevokeDevice = {
      reason: reason.trim(),
      code,
      ...(doomed !== 'all' && { serial: doomed.serial }),
      ...(isStolen && stolenAt !== undefined && { since: stolenAt }),
    };
    const path = `/api/devices/${encodeURIComponent(device.id)}/revoke`;
    let revoked = 0;
    const isDone = await saving.run(async () => {
      ({ revoked } = await api<Revoked>(path, { method: 'POST', body }));
    });
    if (isDone) onDone(revoked);
  }

  return (
    <Dialog title={doomed === 'all' ? `Revoke all of ${device.id}` : `Revoke ${doomed.serial}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void revoke();
        }}
      >
        <p className="dialog-lead">This cannot be taken back.</p>
        {isLast && (
          <p className="chip-warn">
            ⚠ {device.id} can send nothing any more{device.presence === 'online' ? ', and it is connected now' : ''}.
            Whoever wears it is no longer watched by it.
          </p>
        )}
        <SaveProblem saving={saving} shown={['reason', 'since']} />
        <Select
          label="Why"
          data={WHY}
          value={code}
          allowDeselect={false}
          onChange={(value) => setCode(WHY.find((one) => one.value === value)?.value ?? 'unspecified')}
        />
        {isStolen && (
          <MomentField
            label="Since when it may be somebody else’s"
            description="What was received from it since then stays in the record, and is shown as doubtful."
            value={since}
            error={saving.errorOf('since')}
            onChange={setSince}
          />
        )}
        <ReasonField value={reason} saving={saving} onChange={setReason} />
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={reason.trim().length < 3}>
          Revoke
        </DialogEnd>
      </form>
    </Dialog>
  );
}
