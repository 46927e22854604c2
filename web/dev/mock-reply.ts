/** A request as the played server's routes are given it, and what they answer. */
export interface MockRequest {
  readonly method: string;
  readonly target: URL;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly role: string;
  /** Display name of who asks. */
  readonly name: string;
}

export type MockReply =
  | { readonly status?: undefined; readonly body: object }
  | { readonly status: number; readonly code: string; readonly detail: string; readonly more?: object };

/** What the API answers, by the contracts. */
