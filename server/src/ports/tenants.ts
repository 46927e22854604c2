import type { TenantId } from '../domain/ids.ts';

/** The organisations that one installation serves, each kept apart from the others. */
export interface Tenants {
  /** By id; the first one (`DEFAULT_TENANT`) is always there. */
  list(): Promise<readonly Tenant[]>;
  /** With a login of its own in the database; `no-logins` where ours may not make any. */
  add(tenant: Pick<Tenant, 'id' | 'name'>): Promise<'added' | 'taken' | 'no-logins'>;
}

export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly createdAtMs: number;
  /** Whether what is asked for it reaches the database under a login that sees nothing of the others. */
  readonly hasLogin: boolean;
}
