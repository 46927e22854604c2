import type { KeyStatus } from '@healthsync/contracts/key';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';

const COUNT = new Intl.NumberFormat('en-GB');
const MANAGEMENT_WORDS = { file: 'a file of this installation', 'aws-kms': 'AWS KMS' } as const;

/** Which keys names, notes and secrets are sealed with. They are turned on the command line, where the key file is. */
export function KeysPage() {
  const query = useQuery({ queryKey: ['keys'], queryFn: () => api<KeyStatus>('/api/keys') });
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Keys</h1>
      </div>
      <div className="health-columns">
        <section className="panel" aria-label="What is sealed">
          <h2>What is sealed</h2>
          <Awaited query={query} rows={4}>
            {({ management, kek, kept, erased }) => (
              <dl className="facts">
                <div>
                  <dt>Data keys</dt>
                  <dd>{COUNT.format(kept)}: one for each patient, and the house’s own</dd>
                </div>
                <div>
                  <dt>Wrapped by</dt>
                  <dd>
                    <code>{kek}</code>
                  </dd>
                </div>
                <div>
                  <dt>Which lies in</dt>
                  <dd>{MANAGEMENT_WORDS[management]}</dd>
                </div>
                <div>
                  <dt>Erased</dt>
                  <dd>{COUNT.format(erased)}: what they sealed is gone, in every backup too</dd>
                </div>
              </dl>
            )}
          </Awaited>
        </section>
        <section className="panel" aria-label="On the command line">
          <h2>On the command line</h2>
          <dl className="facts">
            <div>
              <dt>Rotate</dt>
              <dd>
                <code>healthsync key rotate</code> makes a new key-encryption key and wraps every data key by it, while
                the server runs.
              </dd>
            </div>
            <div>
              <dt>Look</dt>
              <dd>
                <code>healthsync key status</code> says what stands here.
              </dd>
            </div>
            <div>
              <dt>Forget</dt>
              <dd>
                <code>healthsync patient erase</code> destroys the key of one patient.
              </dd>
            </div>
          </dl>
        </section>
      </div>
    </main>
  );
}
