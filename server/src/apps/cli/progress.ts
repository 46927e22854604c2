/** A progress bar on stderr where a person watches; nothing where a script does. */
export function progressBar(
  write: (text: string) => void,
  isTerminal: boolean,
): {
  update(label: string, done: number, total: number): void;
  end(): void;
} {
  let lastMs = 0;
  return {
    update(label, done, total) {
      const nowMs = performance.now();
      if (!isTerminal || (nowMs - lastMs < REDRAW_MS && done < total)) return;
      lastMs = nowMs;
      const share = total === 0 ? 1 : done / total;
      const filled = Math.round(share * WIDTH);
      write(`\r${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${Math.floor(share * 100)} % ${label}\u001b[K`);
    },
    end: () => isTerminal && write('\n'),
  };
}

const WIDTH = 30;
const REDRAW_MS = 100;
