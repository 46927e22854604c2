import type { Checkpoints } from '../../ports/checkpoints.ts';
import type { Failure } from '../../ports/failure.ts';

/** Checkpoints that live as long as the process: for tests of what stands around them. */
export class MemoryCheckpoints implements Checkpoints {
  readonly saved = new Map<number, { readonly partition: number; readonly next: number; readonly state: string }>();
  /** Set it, and every save is refused with it. */
  refusal: Failure | undefined;

  async save(checkpoint: { readonly partition: number; readonly next: number; readonly state: string }): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.saved.set(checkpoint.partition, checkpoint);
  }

  async load(): Promise<readonly { readonly partition: number; readonly next: number; readonly state: string }[]> {
    return [...this.saved.values()];
  }
}
