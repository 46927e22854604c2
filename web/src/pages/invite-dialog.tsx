import type { DeviceInvitation, NewDeviceInvitation } from '@healthsync/contracts/device-enrollment';
import { Button, NumberInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../api.ts';
import { useMyStepUp } from '../session/step-up.tsx';
import { When } from '../times/when.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { Fingerprint } from './fingerprint.tsx';

/** A code for one device, shown once. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const [deviceId, setDeviceId] = useState('');
  const [profile, setProfile] = useState('');
  const [hours, setHours] = useState<number>(24);
  const [made, setMade] = useState<DeviceInvitation>();

  async function invite(event: FormEvent): Promise<void> {
    event.preventDefault();
    const body: NewDeviceInvitation = {
      deviceId: deviceId.trim(),
      hours,
      ...(profile.trim() !== '' && { profile: profile.trim() }),
    };
    await saving.run(() =>
      stepUp(async () => setMade(await api<DeviceInvitation>('/api/device-enrollments', { method: 'POST', body }))),
    );
  }

  if (dialog) return dialog;
  if (made !== undefined) return <Invitation made={made} onClose={onClose} />;
  return (
    <Dialog title="Invite a device" onClose={onClose}>
      <form onSubmit={(event) => void invite(event)}>
        <Stack gap="md">
          <SaveProblem saving={saving} shown={['deviceId', 'profile', 'hours']} />
          <TextInput
            label="Device"
            description="The name it will have: letters, digits and . _ -"
            required
            maxLength={64}
            autoCapitalize="none"
            autoComplete="off"
            data-autofocus
            value={deviceId}
            error={saving.errorOf('deviceId')}
            onChange={(event) => setDeviceId(event.target.value)}
          />
          <TextInput
            label="Speaks as"
            description="A mapping profile, for a vendor’s own form; empty for HealthSync’s"
            maxLength={64}
            autoCapitalize="none"
            autoComplete="off"
            value={profile}
            error={saving.errorOf('profile')}
            onChange={(event) => setProfile(event.target.value)}
          />
          <NumberInput
            label="The code is good for"
            suffix=" hours"
            min={1}
            max={72}
            allowDecimal={false}
            value={hours}
            error={saving.errorOf('hours')}
            onChange={(value) => setHours(Number(value) || 24)}
          />
        </Stack>
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={deviceId.trim() === ''}>
          Make a code
        </DialogEnd>
      </form>
    </Dialog>
  );
}

function Invitation({ made, onClose }: { readonly made: DeviceInvitation; readonly onClose: () => void }) {
  return (
    <Dialog title={`Code for ${made.deviceId}`} size="lg" onClose={onClose}>
      <p className="enrollment-code">
        <code>{made.code}</code>
      </p>
      <p className="dialog-lead">
        Shown now and never again. Good for one device, once, until <When at={made.expiresAt} zone="named" />.
      </p>
      <dl className="terms">
        <div>
          <dt>Server</dt>
          <dd>
            <code className="serial">{made.server}</code>
          </dd>
        </div>
        <div>
          <dt>Knows it by</dt>
          <dd>
            <Fingerprint value={made.authorityFingerprint} />
          </dd>
        </div>
      </dl>
      <p className="dialog-lead">
        Give the device all three. When it has asked, it appears under “Coming in” with the fingerprint of its key.
      </p>
      <div className="row dialog-end">
        <Button onClick={onClose} data-autofocus>
          Done
        </Button>
      </div>
    </Dialog>
  );
}
