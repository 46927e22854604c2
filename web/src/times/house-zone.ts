/**
 * The zone in which every page shows times: that of the installation, as its server wrote it into the page. A nurse at a
 * screen that is set to another, a doctor at home and one abroad read the same figure as the ward's own clock shows.
 */
export const SCREEN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const HOUSE_ZONE = known(told()) ?? SCREEN_ZONE;

/** Before there is a document there is a test, and it has its own zone. */
function told(): string {
  if (typeof document === 'undefined') return '';
  return document.querySelector<HTMLMetaElement>('meta[name="time-zone"]')?.content ?? '';
}

/** A browser may be older than a zone; its own then, which pages name in any case. */
function known(zone: string): string | undefined {
  try {
    return zone === '' ? undefined : new Intl.DateTimeFormat('en-GB', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
