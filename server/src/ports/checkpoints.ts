/** Where the assessor of a partition stood, and what it knew. */
export interface Checkpoints {
  /** `state` is JSON; `next` the offset of the first reading not yet in it. */
  save(checkpoint: { readonly partition: number; readonly next: number; readonly state: string }): Promise<void>;
  load(): Promise<readonly { readonly partition: number; readonly next: number; readonly state: string }[]>;
}
