import type { Consent, ConsentVersions } from '@healthsync/contracts/consent';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { evidenceText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { aboutText, recordText } from './consent-words.ts';

/** Every version of a consent, newest first. None was ever rewritten. */
export function ConsentHistory({ consent, onClose }: { readonly consent: Consent; readonly onClose: () => void }) {
  const path = `/api/consents/${encodeURIComponent(consent.id)}/versions`;
  const query = useQuery({
    queryKey: ['consents', 'versions', consent.id, consent.version],
    queryFn: () => api<ConsentVersions>(path),
    gcTime: 0,
  });
  return (
    <Dialog title={aboutText(consent)} onClose={onClose} size="lg">
      <p className="dialog-lead">A change is one more version; none is rewritten or taken away.</p>
      <Awaited query={query} rows={3}>
        {({ versions }) => (
          <ol className="consent-versions" reversed>
            {versions.map((version, at) => (
              <li key={version.version}>
                <strong>{changeText(version, versions[at + 1])}</strong>
                <div>{timesText(version)}</div>
                <div className="soft">
                  <When at={version.recordedAt} zone="named" /> · {recordText(version)}
                </div>
              </li>
            ))}
          </ol>
        )}
      </Awaited>
    </Dialog>
  );
}

function changeText({ state, decision }: Consent, before: Consent | undefined): string {
  const word = decision === 'permit' ? 'Consent' : 'Refusal';
  if (before === undefined) return `${word} recorded`;
  return state === 'revoked' ? `${word} ${decision === 'permit' ? 'revoked' : 'taken back'}` : 'Times changed';
}

function timesText({ state, from, until, givenAt }: Consent): string {
  if (state === 'revoked') return 'Holds no longer.';
  const end = until === undefined ? 'without end' : `until ${evidenceText(until)}`;
  return `From ${evidenceText(from)}, ${end}. The patient said so ${evidenceText(givenAt)}.`;
}
