/** The one kind of filter directories send to find what they know: `userName eq "anna"` (RFC 7644 §3.4.2.2). */
export interface ScimFilter {
  /** As written in the schema, in lower case: attribute names are case-insensitive. */
  readonly attribute: string;
  readonly value: string;
}

/** `undefined`: a filter, and not one of this kind. */
export function parseScimFilter(text: string): ScimFilter | undefined {
  const [, attribute, literal] =
    /^\s*(?:urn:[^\s"]+:)?([A-Za-z][\w.]*)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/i.exec(text) ?? [];
  if (attribute === undefined || literal === undefined) return undefined;
  try {
    return { attribute: attribute.toLowerCase(), value: JSON.parse(literal) as string };
  } catch {
    return undefined;
  }
}
