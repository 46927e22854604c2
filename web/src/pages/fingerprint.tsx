/** SHA-256 in hex with colons, in four lines of eight: read aloud beside a device, or compared by eye. */
export function Fingerprint({ value }: { readonly value: string }) {
  const bytes = value.split(':');
  const lines = [0, 8, 16, 24].map((from) => bytes.slice(from, from + 8).join(':'));
  return (
    <code className="fingerprint">
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </code>
  );
}
