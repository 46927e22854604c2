/**
 * Who wrote to us within the last day: to them WhatsApp takes free text, to others only approved templates
 * (twilio.com/docs/whatsapp/key-concepts, "customer service window"). Held by one process: forgotten means a template.
 */
export function createConversations(now: () => number) {
  const heardAtMs = new Map<string, number>();
  return {
    heard(person: string): void {
      heardAtMs.delete(person);
      heardAtMs.set(person, now());
      const [oldest] = heardAtMs.keys();
      if (heardAtMs.size > PEOPLE_MAX && oldest !== undefined) heardAtMs.delete(oldest);
    },
    isOpen: (person: string): boolean => now() - (heardAtMs.get(person) ?? Number.NEGATIVE_INFINITY) < WINDOW_MS,
  };
}

/** 24 hours, less a little for messages that are on their way. */
const WINDOW_MS = 86_400_000 - 600_000;
/** All the staff of a large hospital. */
const PEOPLE_MAX = 10_000;
