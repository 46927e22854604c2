import { useLocation } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { mayOpen, PAGES } from '../pages.ts';
import { useSession } from '../session/session.tsx';
import { useSettings } from '../settings.ts';
import { Dialog } from './dialog.tsx';

type Listed = readonly (readonly [term: string, means: string])[];

const ANYWHERE: Listed = [
  ['S', 'Pause alarm sound for two minutes, or sound again'],
  ['/', 'Search a patient'],
  ['?', 'This help'],
];
/** What the keys do on one kind of page. */
interface PageKeys {
  readonly title: string;
  readonly isHere: (path: string) => boolean;
  readonly keys: Listed;
}

const WALL: Listed = [
  ['← ↑ → ↓', 'Move between beds'],
  ['N', 'Next alarm nobody has acknowledged'],
  ['A', 'Acknowledge the alarm of this bed'],
  ['Enter', 'Open this patient'],
];
const WORKLIST: Listed = [
  ['J  K', 'Next and previous alarm'],
  ['A', 'Acknowledge'],
  ['Z', 'Snooze for 5, 15 or 30 minutes'],
  ['E', 'Escalate: tell the next people now'],
  ['M', 'Write a note'],
  ['X', 'Mark for acknowledging several at once'],
  ['Enter', 'Open the alarm and its history'],
];
const ALARM: Listed = [
  ['A', 'Acknowledge'],
  ['Z', 'Snooze'],
  ['E', 'Escalate: tell the next people now'],
  ['M', 'Write a note'],
];
const PATIENT: Listed = [...ALARM, ['T', 'Limits of this patient']];

const KEYS_OF: readonly PageKeys[] = [
  { title: 'On the wall', isHere: (path) => path === '/wall', keys: WALL },
  { title: 'On the worklist', isHere: (path) => path === '/alarms', keys: WORKLIST },
  { title: 'On an alarm’s page', isHere: (path) => path.startsWith('/alarms/'), keys: ALARM },
  { title: 'On a patient’s page', isHere: (path) => path.startsWith('/patients/'), keys: PATIENT },
];

const SIGNS: Listed = [
  ['▲▲▲ ***', 'High alarm; flashes twice a second until acknowledged'],
  ['▲▲ **', 'Medium alarm; flashes slowly'],
  ['△ *', 'Low alarm'],
  ['◇ !', 'Technical: no data, leads off, battery'],
  ['striped · ended', 'The condition is over, but nobody has acknowledged it'],
  ['✓ name', 'Acknowledged, and by whom'],
  ['dotted, dim', 'Stale: older than it should be; its age stands beside'],
  ['-?-', 'Lost: no value is known'],
  ['≥3', 'NEWS2 with parameters missing: the true score may be higher'],
  ['n/a', 'NEWS2 is not used for this patient, such as under 16 years'],
  ['↻ reminded', 'How often it has called again, and nobody came'],
  ['● ○ ⊘', 'Told; to be told next; nobody to tell'],
];

const OPEN = 'healthsync:help';
export function openHelp(): void {
  dispatchEvent(new Event(OPEN));
}

export function HelpDialog() {
  const [isOpen, setOpen] = useState(false);
  const { may } = useSession();
  const { keys } = useSettings();
  const { pathname } = useLocation();
  const goTo = PAGES.filter((page) => mayOpen(page, may)).map(
    ({ key, label }) => [`G ${key.toUpperCase()}`, label] as const,
  );
  useEffect(() => {
    const open = () => setOpen(true);
    addEventListener(OPEN, open);
    return () => removeEventListener(OPEN, open);
  }, []);
  if (!isOpen) return null;
  const here = KEYS_OF.filter(({ isHere }) => isHere(pathname));
  const elsewhere = KEYS_OF.filter((page) => !here.includes(page) && page.keys !== ALARM);
  return (
    <Dialog onClose={() => setOpen(false)} title="Keys and signs" size="min(1180px, 96vw)">
      {!keys && <p className="dialog-lead">Single keys are switched off; the menu behind your initials has them.</p>}
      <div className="help">
        <div>
          {here.map((page) => (
            <Terms key={page.title} title={`${page.title} (this page)`} of={page.keys} keys />
          ))}
          <Terms title="On every page" of={ANYWHERE} keys />
          {elsewhere.slice(0, 1).map((page) => (
            <Terms key={page.title} title={page.title} of={page.keys} keys />
          ))}
        </div>
        <div>
          <Terms title="To go to another page" of={goTo} keys />
          {elsewhere.slice(1).map((page) => (
            <Terms key={page.title} title={page.title} of={page.keys} keys />
          ))}
        </div>
        <div>
          <Terms title="Signs" of={SIGNS} />
        </div>
      </div>
    </Dialog>
  );
}

function Terms({ title, of, keys = false }: { readonly title: string; readonly of: Listed; readonly keys?: boolean }) {
  return (
    <>
      <h3 className="terms-title">{title}</h3>
      <dl className="terms">
        {of.map(([term, means]) => (
          <div key={term}>
            <dt>{keys ? <kbd>{term}</kbd> : term}</dt>
            <dd>{means}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
