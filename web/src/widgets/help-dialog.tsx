import { useEffect, useState } from 'react';
import { mayOpen, PAGES } from '../pages.ts';
import { useSession } from '../session/session.tsx';
import { Dialog } from './dialog.tsx';

type Listed = readonly (readonly [term: string, means: string])[];

const ANYWHERE: Listed = [
  ['S', 'Pause alarm sound for two minutes, or sound again'],
  ['/', 'Search a patient'],
  ['?', 'This help'],
];
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
const PATIENT: Listed = [
  ['A  Z  E  M', 'Acknowledge, snooze, escalate, note'],
  ['T', 'Limits of this patient'],
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
];

const OPEN = 'healthsync:help';
export function openHelp(): void {
  dispatchEvent(new Event(OPEN));
}

export function HelpDialog() {
  const [isOpen, setOpen] = useState(false);
  const { may } = useSession();
  const goTo = PAGES.filter((page) => mayOpen(page, may)).map(
    ({ key, label }) => [`G ${key.toUpperCase()}`, `Go to: ${label}`] as const,
  );
  useEffect(() => {
    const open = () => setOpen(true);
    addEventListener(OPEN, open);
    return () => removeEventListener(OPEN, open);
  }, []);
  if (!isOpen) return null;
  return (
    <Dialog onClose={() => setOpen(false)} title="Keys and signs" size="xl">
      <div className="help">
        <div>
          <Terms title="On every page" of={[...ANYWHERE, ...goTo]} keys />
          <Terms title="On the wall" of={WALL} keys />
        </div>
        <div>
          <Terms title="On the worklist" of={WORKLIST} keys />
          <Terms title="On a patient’s page" of={PATIENT} keys />
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
