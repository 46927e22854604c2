import type { PatientState } from '../../domain/assess-state.ts';
import type { DeviceId, ReadingId } from '../../domain/ids.ts';

/**
 * A patient's state as version 1 wrote it, before rules were data: values carried their source as an object, what people
 * observe had none, and the readings of the newest moment were one list.
 */
export function fromVersion1(written: unknown): PatientState {
  const old = written as Version1;
  const { status, momentIds, conditions, ...rest } = old;
  const values = Object.fromEntries(
    Object.entries(status.values).map(([vital, { source, ...value }]) => [
      vital,
      { ...value, readingId: source.readingId, deviceId: source.deviceId },
    ]),
  );
  const by = { readingId: status.last?.readingId ?? '', deviceId: status.last?.deviceId ?? '' };
  const [first, ...others] = momentIds;
  const slash = first?.indexOf('/') ?? -1;
  return {
    ...rest,
    status: {
      ...status,
      values,
      ...(status.oxygen === undefined ? {} : { oxygen: { ...status.oxygen, ...by } }),
      ...(status.consciousness === undefined ? {} : { consciousness: { ...status.consciousness, ...by } }),
    },
    conditions: Object.fromEntries(
      Object.entries(conditions).map(([rule, condition]) => [rule, { ...condition, scope: 'default' }]),
    ),
    moment: {
      deviceId: first?.slice(0, slash) as DeviceId | undefined,
      readingId: first?.slice(slash + 1) as ReadingId | undefined,
      others: others.length === 0 ? undefined : others,
    },
  } as unknown as PatientState;
}

interface Version1 {
  readonly status: {
    readonly values: Readonly<
      Record<string, { readonly source: { readonly readingId: string; readonly deviceId: string } }>
    >;
    readonly last?: { readonly readingId: string; readonly deviceId: string };
    readonly oxygen?: object;
    readonly consciousness?: object;
  };
  readonly momentIds: readonly string[];
  readonly conditions: Readonly<Record<string, object>>;
}
