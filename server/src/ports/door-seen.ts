import type { DeviceId } from '../domain/ids.ts';

/** A device, or who passes for one, at a door of ours. */
export interface DoorSeen {
  readonly transport: 'mqtt' | 'https';
  readonly what: 'connected' | 'refused' /** It was in, and may not be any more. */ | 'cut-off';
  /** Of a refusal, from a closed list. */
  readonly reason?: string;
  /** By its certificate or token; absent: nobody we know. */
  readonly deviceId?: DeviceId;
  /** Of its certificate. */
  readonly serial?: string;
  readonly address?: string;
}
