import type { AnchoredHead, TreeHeadAnchor } from '../../ports/tree-head-anchor.ts';
import { postSigned, type SignedPostSettings } from '../notify/signed-post.ts';

/** A witness answers within this, or is asked again at the next head. */
const TIMEOUT_MS = 10_000;

/**
 * A second party that keeps our tree heads: each is posted to it, signed as webhooks are. The same head has the same id,
 * so that it may come twice.
 */
export class WebhookAnchor implements TreeHeadAnchor {
  readonly name: string;
  readonly #url: string;
  readonly #secrets: readonly string[];
  readonly #settings: SignedPostSettings;

  constructor(
    name: string,
    target: { readonly url: string; readonly secrets: readonly string[] },
    settings: SignedPostSettings,
  ) {
    this.name = name;
    this.#url = target.url;
    this.#secrets = target.secrets;
    this.#settings = settings;
  }

  async keep({ size, note }: AnchoredHead): Promise<void> {
    const [origin] = note.split('\n', 1);
    const outcome = await postSigned(
      {
        url: this.#url,
        id: `${origin}-${size}`,
        secrets: this.#secrets,
        contentType: 'text/plain; charset=utf-8',
        body: note,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      this.#settings,
    );
    if (outcome.kind !== 'delivered') throw new Error(`the witness did not take it: ${outcome.reason}`);
  }
}
