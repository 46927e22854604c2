/** An answer as JSON; undefined where it is none: what stands between us and a vendor answers in HTML. */
export function jsonOf({ body }: { readonly body: string }): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
