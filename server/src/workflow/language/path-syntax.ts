/**
 * JSONPath as the States Language uses it: names, indices, slices, wildcards, descendants, filters. Where RFC 9535 and
 * Jayway's JsonPath (which Step Functions runs) differ, this does as Jayway does: a path that can name only one place
 * answers with the value there, any other with the list of all values found; a filter on an object asks that object.
 */
export interface Path {
  readonly text: string;
  /** `$$`: into the context object. */
  readonly isContext: boolean;
  /** Can name one place at most. */
  readonly isDefinite: boolean;
  readonly segments: readonly Segment[];
}

export type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'indices'; readonly indices: readonly number[] }
  | { readonly kind: 'slice'; readonly from?: number; readonly to?: number; readonly step: number }
  | { readonly kind: 'every' }
  | { readonly kind: 'filter'; readonly filter: Filter }
  /** Applies the next segment to this value and everything below it. */
  | { readonly kind: 'descend' };

/** `?(@.price < 10 && @.title)`: asked of each element. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'exists'; readonly operand: Extract<Operand, { kind: 'element' | 'path' }> }
  | { readonly kind: 'compare'; readonly left: Operand; readonly by: Comparison; readonly right: Operand };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Operand =
  | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
  /** `@.a.b`, from the element; definite. */
  | { readonly kind: 'element'; readonly path: Path }
  /** `$.a.b`, from the root; definite. */
  | { readonly kind: 'path'; readonly path: Path };
