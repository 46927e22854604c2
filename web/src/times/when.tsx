import { type TimeStyle, timeText } from './time-text.ts';

/** A moment on a page: in the house's zone for people, in UTC for whoever points at it and for programs. */
export function When({
  at,
  as,
  zone,
}: {
  /** RFC 3339, or milliseconds since 1970. */
  readonly at: string | number;
  readonly as?: TimeStyle;
  /** Where the time is evidence. */
  readonly zone?: 'named';
}) {
  const iso = new Date(at).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {timeText(at, as, zone)}
    </time>
  );
}
