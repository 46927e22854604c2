import type { NewPushSubscription, PushKey, RemovePushSubscription } from '@healthsync/contracts/push';
import { api } from '../api.ts';

export type PushState = 'unsupported' | 'denied' | 'off' | 'on';

/** Built from web/worker, under a name of its own: its address is what the browser knows it by. */
const WORKER = '/push-worker.js';

export async function pushState(): Promise<PushState> {
  if (!('serviceWorker' in navigator) || !('PushManager' in window)) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  const registration = await navigator.serviceWorker.getRegistration('/');
  const subscription = await registration?.pushManager.getSubscription();
  return subscription === null || subscription === undefined ? 'off' : 'on';
}

/** Asks the person, the push service and our server, in this order; undone where the last refuses. */
export async function startPush(): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') return;
  const { publicKey } = await api<PushKey>('/api/push/key');
  const registration = await navigator.serviceWorker.register(WORKER, { scope: '/' });
  await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytesOf(publicKey),
  });
  try {
    const { endpoint, keys } = subscription.toJSON();
    const body: NewPushSubscription = {
      endpoint: endpoint ?? '',
      keys: { p256dh: keys?.['p256dh'] ?? '', auth: keys?.['auth'] ?? '' },
    };
    await api('/api/push/subscriptions', { method: 'POST', body });
  } catch (error) {
    await subscription.unsubscribe();
    throw error;
  }
}

export async function stopPush(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration('/');
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription === null || subscription === undefined) return;
  const body: RemovePushSubscription = { endpoint: subscription.endpoint };
  // Here first: what the server forgets later, it finds gone.
  await subscription.unsubscribe();
  await api('/api/push/subscriptions', { method: 'DELETE', body });
}

/** base64url, as RFC 8292 writes the key, to the bytes that `subscribe` takes. */
function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
