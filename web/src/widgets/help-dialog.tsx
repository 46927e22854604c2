import { Modal } from '@mantine/core';
import { useEffect, useState } from 'react';

const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ['← ↑ → ↓', 'Move between beds'],
  ['N', 'Next alarm nobody has acknowledged'],
  ['A', 'Acknowledge the alarm of this bed'],
  ['Enter', 'Open this patient'],
  ['T', 'Limits of this patient'],
  ['S', 'Pause alarm sound for two minutes, or sound again'],
  ['G then W, A, P, R', 'Go to the wall, alarms, patients, rejected readings'],
  ['/', 'Search'],
  ['?', 'This help'],
];

const SIGNS: readonly (readonly [sign: string, means: string])[] = [
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
  useEffect(() => {
    const open = () => setOpen(true);
    addEventListener(OPEN, open);
    return () => removeEventListener(OPEN, open);
  }, []);
  return (
    <Modal opened={isOpen} onClose={() => setOpen(false)} title="Keys and signs" lockScroll={false} size="lg">
      <div className="help">
        <Terms of={KEYS} keys />
        <Terms of={SIGNS} />
      </div>
    </Modal>
  );
}

function Terms({ of, keys = false }: { readonly of: typeof KEYS; readonly keys?: boolean }) {
  return (
    <dl className="terms">
      {of.map(([term, means]) => (
        <div key={term}>
          <dt>{keys ? <kbd>{term}</kbd> : term}</dt>
          <dd>{means}</dd>
        </div>
      ))}
    </dl>
  );
}
