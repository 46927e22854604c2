import type { AccessWhy } from '@healthsync/contracts/access';

/** Policies in words; their text, as it stands in the repository, behind each. */
export function PolicyList({ policies }: { readonly policies: AccessWhy['policies'] }) {
  return (
    <ul className="policies">
      {policies.map(({ id, effect, title, text }) => (
        <li key={id}>
          <span className="state" data-effect={effect}>
            {effect === 'permit' ? '✓ permits' : '✕ forbids'}
          </span>{' '}
          {title}
          <details>
            <summary>
              <code>{id}</code> as it stands
            </summary>
            <pre className="payload">{text}</pre>
          </details>
        </li>
      ))}
    </ul>
  );
}
