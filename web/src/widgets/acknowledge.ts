import type { Alert } from '@healthsync/contracts/alert';
import { api, problemText } from '../api.ts';
import type { LiveStore } from '../live/live-store.ts';
import { showToast } from './toast.ts';

const inFlight = new Set<string>();

/**
 * Takes an alarm for the person signed in. What is shown changes only when the server says so: an acknowledgement that
 * did not arrive must not silence anything. Whoever comes second is told who has it.
 */
export async function acknowledge(store: LiveStore, alertId: string): Promise<void> {
  if (alertId === '' || inFlight.has(alertId)) return;
  inFlight.add(alertId);
  try {
    const alert = await api<Alert>(`/api/alerts/${encodeURIComponent(alertId)}/acknowledge`, { method: 'POST' });
    const change = alert.state === 'resolved' ? 'resolved' : 'acknowledged';
    store.applyAlert({ serverTime: store.clock.now(), change, alert });
  } catch (error) {
    showToast(`Not acknowledged: ${problemText(error)}`);
  } finally {
    inFlight.delete(alertId);
  }
}
