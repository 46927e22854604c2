import type { PushMessage, PushReceipt } from '@healthsync/contracts/push';

/**
 * Shows pushed alarms while the page is closed. It keeps nothing and caches nothing: a wall from a cache would look live
 * and not be.
 */
declare const self: ServiceWorkerGlobalScope;

self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  event.waitUntil(show(event.data));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { path, alarmId, delivery } = event.notification.data as { path: string; alarmId?: string; delivery?: string };
  const act = event.action === 'acknowledge' && alarmId !== undefined ? acknowledge(alarmId, path) : open(path);
  event.waitUntil(Promise.all([act, delivery === undefined ? undefined : receipt(delivery, 'read')]));
});

async function show(data: PushMessageData | null): Promise<void> {
  let message: PushMessage;
  try {
    message = data?.json() as PushMessage;
    if (typeof message.title !== 'string') throw new Error('no message');
  } catch {
    // A push must show something, or the browser withdraws the permission.
    return self.registration.showNotification('HealthSync', {
      body: 'An alarm. Open the wall.',
      data: { path: '/wall' },
    });
  }
  const { title, body, tag, isUpdate, priority, alarmId, canAcknowledge, path, delivery } = message;
  const [shown] = await self.registration.getNotifications({ tag });
  // The same delivery once more: it rang already.
  if ((shown?.data as { delivery?: string } | undefined)?.delivery === delivery) return;
  const options: NotificationOptions & { renotify?: boolean; actions?: readonly object[] } = {
    body,
    tag,
    renotify: !isUpdate,
    silent: isUpdate,
    // A high alarm stays until somebody has looked at it.
    requireInteraction: priority === 'high' && !isUpdate,
    icon: '/icon.svg',
    data: { path, delivery, ...(alarmId !== undefined && { alarmId }) },
    ...(canAcknowledge && { actions: [{ action: 'acknowledge', title: 'Acknowledge' }] }),
  };
  await self.registration.showNotification(title, options);
  await receipt(delivery, 'delivered');
}

/** So that a ladder can say that it reached somebody. Where nobody is signed in here, it stays unsaid. */
async function receipt(delivery: string, state: PushReceipt['state']): Promise<void> {
  const body: PushReceipt = { delivery, state };
  await fetch('/api/push/receipts', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {});
}

/** With this browser's own session. Where that is over, or anything else is wrong, the page is opened to say so. */
async function acknowledge(alarmId: string, path: string): Promise<void> {
  const answer = await fetch(`/api/alerts/${encodeURIComponent(alarmId)}/acknowledge`, { method: 'POST' }).catch(
    () => undefined,
  );
  if (answer?.ok !== true) await open(path);
}

async function open(path: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const [page] = windows;
  if (page === undefined) await self.clients.openWindow(path);
  else {
    await page.focus();
    await page.navigate(path).catch(() => self.clients.openWindow(path));
  }
}
