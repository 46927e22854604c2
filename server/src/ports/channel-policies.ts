import type { ChannelPolicy } from '../domain/message-policy.ts';

/** What each channel may say and how fast, where somebody changed it. Every version is kept. */
export interface ChannelPolicies {
  /** The latest of each channel. */
  current(): Promise<ReadonlyMap<string, PolicyVersion>>;
  /** Adds the version after `after` (0: none yet), unless somebody was quicker. */
  put(change: {
    readonly channel: string;
    readonly after: number;
    readonly policy: ChannelPolicy;
    readonly by: string;
    readonly reason: string;
    readonly atMs: number;
  }): Promise<'kept' | 'changed-meanwhile'>;
  /** Newest first. */
  history(channel: string): Promise<readonly PolicyVersion[]>;
}

export interface PolicyVersion {
  readonly version: number;
  readonly policy: ChannelPolicy;
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}
