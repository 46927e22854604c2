import { Button } from '@mantine/core';
import { useState } from 'react';

/** A secret that is shown this once: to be copied, and put where it belongs. */
export function ShownOnce({ text, label }: { readonly text: string; readonly label: string }) {
  const [state, setState] = useState<'copied' | 'by-hand'>();
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      setState('copied');
    } catch {
      // A browser may forbid it: the text is there to be marked.
      setState('by-hand');
    }
  }
  return (
    <div className="once">
      <span className="unseen">{label}:</span>
      <code>{text}</code>
      <Button size="compact-md" variant="default" data-autofocus onClick={() => void copy()}>
        Copy
      </Button>
      <span role="status" className="fine">
        {state === 'copied' && '✓ Copied'}
        {state === 'by-hand' && 'Mark it and copy it by hand'}
      </span>
    </div>
  );
}
