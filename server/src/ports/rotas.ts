import type { RotaId, UserId } from '../domain/ids.ts';
import type { Rota, RotaOverride } from '../domain/rota.ts';
import type { Interval } from '../domain/zoned-time.ts';
import type { VersionedOutcome } from './versioned.ts';

/** On-call rotas: every version is kept, with who set it and why. */
export interface Rotas {
  /** Each as it is in force, by name; retired ones are left out. */
  list(): Promise<readonly KeptRota[]>;
  /** Also a retired one. */
  find(id: RotaId): Promise<KeptRota | undefined>;
  /** Newest first. */
  versions(id: RotaId): Promise<readonly KeptRota[]>;
  /** Makes it, or its next version. `from` is the version it was made from; without one, whatever was there. */
  put(change: {
    readonly rota: Omit<Rota, 'version'>;
    readonly from?: number;
    readonly retired: boolean;
    readonly by: string;
    readonly reason: string;
    readonly atMs: number;
  }): Promise<
    { readonly kind: 'kept'; readonly rota: KeptRota } | Extract<VersionedOutcome, { kind: 'changed-meanwhile' }>
  >;

  /** Those that touch the period and were not withdrawn, oldest first. */
  overrides(period: Interval): Promise<readonly KeptOverride[]>;
  addOverride(override: KeptOverride): Promise<void>;
  /** False: there is none such, or it was withdrawn before. */
  withdrawOverride(request: {
    readonly rotaId: RotaId;
    readonly id: string;
    readonly by: string;
    readonly atMs: number;
  }): Promise<boolean>;
}

export interface KeptRota extends Rota {
  readonly retired: boolean;
  readonly setBy: string;
  readonly setAtMs: number;
  readonly reason: string;
}

export interface KeptOverride extends RotaOverride {
  readonly userId: UserId;
  readonly reason: string;
  readonly madeBy: string;
}
