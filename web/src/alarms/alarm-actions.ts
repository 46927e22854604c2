import type {
  AcknowledgeAlerts,
  AcknowledgedAlerts,
  Alert,
  AlertNote,
  NewAlertNote,
  OwnAlert,
  SnoozeAlert,
} from '@healthsync/contracts/alert';
import type { Escalation, PostEscalate } from '@healthsync/contracts/escalation';
import { api, problemText } from '../api.ts';
import type { LiveStore } from '../live/live-store.ts';
import { showToast } from '../widgets/toast.ts';

/**
 * What a person does with an alarm. Nothing is shown as done before the server has said so: an acknowledgement that did
 * not arrive must not silence anything. While it is under way the alarm says so; refused, it is as it was, and the reason
 * stands on the page.
 */
export type Doing = 'acknowledging' | 'taking over' | 'snoozing' | 'escalating' | 'giving back' | 'waking';

const doing = new Map<string, Doing>();
const listeners = new Set<() => void>();
let version = 0;

export const doingOf = (alertId: string): Doing | undefined => doing.get(alertId);
export const doingVersion = (): number => version;
export function onDoing(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function mark(alertId: string, what: Doing | undefined): void {
  if (what === undefined) doing.delete(alertId);
  else doing.set(alertId, what);
  version += 1;
  for (const listener of listeners) listener();
}

/** One action at a time for each alarm; a second press of the key is no second request. */
async function act(
  store: LiveStore,
  alertId: string,
  { what, path, body, failed }: { what: Doing; path: string; body?: object; failed: string; method?: string },
): Promise<boolean> {
  if (alertId === '' || doing.has(alertId)) return false;
  const heard = store.heardOf(alertId);
  mark(alertId, what);
  try {
    const alert = await api<Alert>(`/api/alerts/${encodeURIComponent(alertId)}/${path}`, {
      method: 'POST',
      ...(body !== undefined && { body }),
    });
    store.applyAnswer(alert, heard);
    return true;
  } catch (error) {
    showToast(`${failed}: ${problemText(error)}`);
    return false;
  } finally {
    mark(alertId, undefined);
  }
}

/** Takes an alarm for the person signed in. Whoever comes second is told who has it. */
export const acknowledge = (store: LiveStore, alertId: string): Promise<boolean> =>
  act(store, alertId, { what: 'acknowledging', path: 'acknowledge', failed: 'Not acknowledged' });

/** From whom it was seen to belong to: if somebody else has it by now, they keep it. */
export function takeOver(store: LiveStore, alert: Alert): Promise<boolean> {
  const body: OwnAlert = alert.owner === undefined ? {} : { from: alert.owner };
  return act(store, alert.id, { what: 'taking over', path: 'own', body, failed: 'Not taken over' });
}

export const giveBack = (store: LiveStore, alertId: string): Promise<boolean> =>
  act(store, alertId, { what: 'giving back', path: 'release', failed: 'Not given back' });

export function snooze(store: LiveStore, alertId: string, minutes: number): Promise<boolean> {
  const body: SnoozeAlert = { minutes };
  return act(store, alertId, { what: 'snoozing', path: 'snooze', body, failed: 'Not snoozed' });
}

export const wake = (store: LiveStore, alertId: string): Promise<boolean> =>
  act(store, alertId, { what: 'waking', path: 'unsnooze', failed: 'Still snoozed' });

/** Rejects as `api` does: the dialog keeps what was typed, and says why. */
export function writeNote(alertId: string, text: string): Promise<AlertNote> {
  const body: NewAlertNote = { text };
  return api<AlertNote>(`/api/alerts/${encodeURIComponent(alertId)}/notes`, { method: 'POST', body });
}

export function escalate(alertId: string, reason: string): Promise<Escalation> {
  const body: PostEscalate = reason.trim() === '' ? {} : { reason: reason.trim() };
  return api<Escalation>(`/api/alerts/${encodeURIComponent(alertId)}/escalate`, { method: 'POST', body });
}

/** Several at once, never a high one. Says what became of those that could not be taken. */
export async function acknowledgeMany(store: LiveStore, ids: readonly string[]): Promise<boolean> {
  const heard = new Map(ids.map((id) => [id, store.heardOf(id)]));
  for (const id of ids) mark(id, 'acknowledging');
  try {
    const body: AcknowledgeAlerts = { ids: [...ids] };
    const { results } = await api<AcknowledgedAlerts>('/api/alerts/acknowledge', { method: 'POST', body });
    for (const { id, alert } of results) if (alert !== undefined) store.applyAnswer(alert, heard.get(id) ?? 0);
    const high = results.filter(({ outcome }) => outcome === 'high-priority').length;
    if (high > 0) showToast(`${high} became high meanwhile: each high alarm is acknowledged by itself.`);
    return true;
  } catch (error) {
    showToast(`Not acknowledged: ${problemText(error)}`);
    return false;
  } finally {
    for (const id of ids) mark(id, undefined);
  }
}
