import { PUSH_WORKER } from '@healthsync/contracts/page-policy';

/** Chromium's, and every browser's to come; the DOM's types do not know it yet. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: {
      readonly createHTML: (text: string) => string | undefined;
      readonly createScriptURL: (text: string) => string | undefined;
    },
  ): unknown;
}

/**
 * What may become markup or code although it is text (`require-trusted-types-for`): style sheets, which the components
 * write as text and which hold no tag, and the push worker's address. Everything else throws where it would have run.
 */
export function guardMarkup({ trustedTypes }: { readonly trustedTypes?: TrustedTypes }): void {
  trustedTypes?.createPolicy('default', {
    createHTML: (text) => (text.includes('<') ? undefined : text),
    createScriptURL: (text) => (text === PUSH_WORKER ? text : undefined),
  });
}
