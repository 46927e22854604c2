/**
 * The push services of Chrome and Edge on Android and desktop, Firefox, Safari, and Edge on Windows. An endpoint is an
 * address that a person's browser sets: a list rather than any address on the internet, so that nobody can make the
 * server call what they like.
 */
export const PUSH_SERVICES = [
  'fcm.googleapis.com',
  'updates.push.services.mozilla.com',
  '*.push.services.mozilla.com',
  '*.push.apple.com',
  '*.notify.windows.com',
] as const;

export function isPushService(url: URL, services: readonly string[] = PUSH_SERVICES): boolean {
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false;
  return services.some((service) =>
    service.startsWith('*.') ? url.host.endsWith(service.slice(1)) : url.host === service,
  );
}
