import type { PatientId, UserId } from '../domain/ids.ts';
import type { OAuthClients } from '../ports/oauth-clients.ts';
import type { FoundGrant, OpenIdRecords } from '../ports/openid-records.ts';
import { purposeOf } from './openid-store.ts';
import type { Seal } from './seal.ts';
import { sha256Of } from './secrets.ts';

/** What people have let apps have: seen by themselves, and ended one by one. */
export interface AppsLetIn {
  /** Those that still hold something, newest first. */
  of(userId: UserId): Promise<readonly AppLetIn[]>;
  /** All that the app holds by it is worth nothing from now on; undefined: it is none of theirs. */
  end(userId: UserId, id: string): Promise<AppLetIn | undefined>;
}

export interface AppLetIn {
  /** Tells one from another, and opens nothing. */
  readonly id: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  /** The only patient it works with. */
  readonly patientId?: PatientId;
  readonly letInAtMs: number;
  readonly usedAtMs?: number;
  /** Unless it renews what it holds before. */
  readonly endsAtMs: number;
}

/** Beside the provider's own models: the patient an app was opened for, and what its person had shown, by the grant. */
export const LAUNCH = 'Launch';

export interface LetIn {
  readonly patientId?: PatientId;
  /** A password that was shown later makes a second factor no fresher: `auth_time` says only when either was. */
  readonly mfaAtMs?: number;
}

export function createAppsLetIn(parts: {
  readonly records: Pick<OpenIdRecords, 'grantsOf' | 'removeGrant'>;
  readonly clients: Pick<OAuthClients, 'find'>;
  readonly seal: Pick<Seal, 'open'>;
  readonly now: () => number;
}): AppsLetIn {
  const { records, clients, seal, now } = parts;

  async function shown(found: FoundGrant): Promise<readonly AppLetIn[]> {
    const grant = seal.open(purposeOf('Grant'), found.payload) as Grant | undefined;
    const client = grant && (await clients.find(grant.clientId));
    // Of an app that was ended nothing opens anything.
    if (grant === undefined || client === undefined || client.disabledAtMs !== undefined) return [];
    const letIn = found.launch === undefined ? undefined : (seal.open(LAUNCH, found.launch) as LetIn | undefined);
    return [
      {
        id: idOf(found),
        clientId: client.id,
        clientName: client.name,
        scopes: (grant.openid?.scope ?? '').split(' ').filter((scope) => scope !== ''),
        ...(letIn?.patientId !== undefined && { patientId: letIn.patientId }),
        letInAtMs: grant.iat * 1000,
        ...(found.usedAtMs !== undefined && { usedAtMs: found.usedAtMs }),
        endsAtMs: found.endsAtMs,
      },
    ];
  }

  return {
    async of(userId) {
      const found = await records.grantsOf(userId, now());
      return (await Promise.all(found.map(shown))).flat();
    },
    async end(userId, id) {
      const found = (await records.grantsOf(userId, now())).find((one) => idOf(one) === id);
      const [app] = found === undefined ? [] : await shown(found);
      if (found === undefined || app === undefined) return undefined;
      await records.removeGrant(found.grantId);
      return app;
    },
  };
}

/** As far as the provider writes of it what is read here. */
interface Grant {
  readonly clientId: string;
  /** Seconds. */
  readonly iat: number;
  readonly openid?: { readonly scope?: string };
}

const ID_LENGTH = 16;
const idOf = ({ grantId }: FoundGrant): string => sha256Of(grantId).slice(0, ID_LENGTH);
