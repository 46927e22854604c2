import type { Decisions } from '../access/decisions.ts';
import type { Alarm } from '../domain/alarm.ts';
import type { Actor } from '../domain/alarm-act.ts';
import type { AlarmPolicy } from '../domain/alarm-policy.ts';
import type { AlarmId, DeviceId, PatientId, TenantId } from '../domain/ids.ts';
import type { PatientStatus } from '../domain/patient-status.ts';
import type { IngestOutcome } from '../domain/problem.ts';
import type { ShownProof } from '../identity/dpop.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { SignIn } from '../identity/sign-in.ts';
import type { ActOutcome, ActRequest, AlarmStore, ManyOutcome } from '../ports/alarm-store.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { Registry } from '../ports/registry.ts';
import type { RejectedReadings } from '../ports/rejected-readings.ts';
import type { RuleSets } from '../ports/rule-sets.ts';
import type { VitalsHistory } from '../ports/vitals-history.ts';
import type { Log } from '../telemetry/log.ts';
import type { InTenant } from './asking-tenant.ts';
import type { AuditServices } from './audited.ts';
import type { LiveHub } from './live/hub.ts';
import type { ShownPreviews } from './shown-previews.ts';

/** Everything the HTTP side needs from the rest, in the smallest form it can use. Wired by the composition root. */
export interface Services {
  /** Who may do what. */
  readonly access: Decisions;
  /** False: treating them needs a consent that does not stand. Absent: none is needed. */
  readonly mayShow?: (patientId: PatientId) => boolean;
  /** As the organisation of whoever asks has it. */
  readonly view: () => RegistryView;
  /** Answers each request as its caller's organisation's. Absent: there is but one. */
  readonly inTenant?: InTenant;
  /** Rereads the registry, so that what was just written is seen by whoever asks next. */
  readonly refreshView: () => Promise<unknown>;
  readonly registry: Pick<Registry, 'patients' | 'findPatient' | 'patientsByMrn' | 'putDeviceConfig' | 'revoke'>;
  readonly ruleSets: RuleSets;
  /** What people were shown of a change of rules before they made it. */
  readonly shownPreviews: ShownPreviews;
  /** Whether loosening a critical rule waits for a second person. */
  readonly secondPerson: 'needed' | 'not-needed';
  readonly history: Pick<VitalsHistory, 'read' | 'trend'>;
  readonly alarms: Pick<AlarmStore, 'list' | 'find' | 'history' | 'notes'>;
  readonly alarmPolicy: AlarmPolicy;
  readonly act: (request: Omit<ActRequest, 'atMs'>) => Promise<ActOutcome>;
  readonly acknowledgeMany: (request: Actor & { readonly ids: readonly AlarmId[] }) => Promise<readonly ManyOutcome[]>;
  readonly deliveries: Outbox['deliveries'];
  readonly rejected: Pick<RejectedReadings, 'list' | 'find' | 'mark'>;
  /** Runs a rejected reading's stored bytes through admission again; marks it when it is now accepted. */
  readonly replayRejected: (id: string, by: string) => Promise<IngestOutcome | { readonly kind: 'not-found' }>;
  readonly statusOf: (patientId: PatientId) => PatientStatus | undefined;
  readonly devices: DeviceLink;
  readonly live: LiveHub;
  readonly signIn: Pick<SignIn, 'authenticate' | 'signIn' | 'signOut' | 'setUp'> & {
    /** Of a token that is bound to a key. Absent: no such token is good here. */
    holdsKey?(shown: Omit<ShownProof, 'urls'> & { readonly host: string; readonly path: string }): Promise<boolean>;
  };
  readonly health: readonly HealthCheck[];
  /** Where everything that opens or changes something is written down first. */
  readonly audit: AuditServices['audit'];
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly log: Log;
  readonly now: () => number;
  readonly hooks?: HttpHooks;
}

export interface DeviceLink {
  /** Tells it to renew its certificate. */
  askToRenew?(deviceId: DeviceId): ReturnType<DeviceLink['sendCommand']>;
  /** What it sent from then on is doubtful; see `ports/device-certificates.ts`. */
  doubt?(doubt: {
    readonly deviceId: DeviceId;
    readonly sinceMs: number;
    readonly untilMs: number;
    readonly reason: string;
    readonly by: string;
    readonly tenantId: TenantId;
  }): Promise<void>;
  /** For whoever looks after the installation: this key is not the device's alone any more. */
  onCompromised?(deviceId: DeviceId): void;
  presence(deviceId: DeviceId): 'online' | 'offline' | 'unknown';
  /** The retained configuration changed: tell the device if it listens. */
  publishConfig(deviceId: DeviceId): void;
  sendCommand(
    deviceId: DeviceId,
    payload: Buffer,
  ): 'sent' | 'queued' | 'refused-no-subscriber' | 'refused-queue-full' | 'refused-too-large';
}

export interface HealthCheck {
  readonly name: string;
  /** Not ready while this is down. */
  readonly required: boolean;
  /** Answers within the check's time or counts as down. */
  state(): Promise<'up' | 'degraded' | 'down'> | 'up' | 'degraded' | 'down';
}

export interface HttpHooks {
  request?(done: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly ms: number;
  }): void;
  signIn?(outcome: string): void;
  handshake?(outcome: 'full' | 'resumed' | 'failed'): void;
  acknowledged?(alarm: Alarm): void;
}
