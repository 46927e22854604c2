import type { AlarmId } from '../../server/src/domain/ids.ts';
import type { DeliveryRecord } from '../../server/src/ports/outbox.ts';

/** By alarm: everything that was ordered about it. */
export type Deliveries = ReadonlyMap<AlarmId, readonly DeliveryRecord[]>;
