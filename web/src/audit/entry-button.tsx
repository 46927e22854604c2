/** An entry of the audit by its number; opens it. */
export function EntryButton({
  position,
  onOpen,
}: {
  readonly position: number;
  readonly onOpen: (position: number) => void;
}) {
  return (
    <button
      type="button"
      className="plain-button entry-button"
      aria-label={`Open entry ${position}`}
      onClick={() => onOpen(position)}
    >
      {position}
    </button>
  );
}
