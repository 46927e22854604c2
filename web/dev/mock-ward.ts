import type { Alert } from '@healthsync/contracts/alert';
import type { DeviceList, RejectedList } from '@healthsync/contracts/device';
import type { DeviceEnrollmentList } from '@healthsync/contracts/device-enrollment';
import type { LiveAlert, LiveSnapshot, Tile, TileValue } from '@healthsync/contracts/live';
import type {
  LimitRule,
  PatientDetail,
  PatientList,
  SparklineResponse,
  TrendResponse,
} from '@healthsync/contracts/patient';
import { enrollmentsAt } from './mock-enrollments.ts';

type Vital = 'heartRate' | 'spo2' | 'respiratoryRate' | 'systolic' | 'diastolic' | 'temperature';
type Change = LiveAlert['change'];

/** A ward that does what it is told, and the same each time: values are sums of sines, and nothing is random. */
export type MockWard = ReturnType<typeof createMockWard>;

interface Bed {
  readonly index: number;
  readonly patientId: string;
  readonly bed: string;
  readonly wardId: string;
  connection: Tile['connection'];
  /** Nothing is received since then. */
  stoppedAt: number | undefined;
  fixed: Partial<Record<Vital, number>>;
  isYoung: boolean;
}

const WARDS = [
  { id: 'icu', name: 'Intensive care' },
  { id: 'w3', name: 'Ward 3' },
];
const FAMILY = ['Mehta', 'Okafor', 'Lindqvist', 'Haddad', 'Nowak', 'Featherstonehaugh-Cholmondeley', 'Silva', 'Ito'];
const GIVEN = ['Dana', 'Chidi', 'Astrid', 'Rima', 'Piotr', 'Bartholomew', 'Joana', 'Kenji'];

export function createMockWard(count: number) {
  const revoked = new Set<string>();
  const decided = new Map<string, 'issued' | 'refused'>();
  const beds = Array.from({ length: count }, (_, index): Bed => {
    const isIcu = index < count / 4;
    const number = isIcu ? index + 1 : index + 1 - Math.ceil(count / 4);
    return {
      index,
      patientId: `P${index + 1}`,
      bed: `${isIcu ? 'ICU' : 'W3'}-${String(number).padStart(2, '0')}`,
      wardId: isIcu ? 'icu' : 'w3',
      connection: 'live',
      stoppedAt: undefined,
      fixed: {},
      isYoung: false,
    };
  });
  const alerts = new Map<string, Alert>();
  const limits = new Map<string, LimitRule[]>();
  let listener: (change: Change, alert: Alert) => void = () => {};
  let nextAlert = 1;
  const bedOf = (patientId: string): Bed => {
    const bed = beds.find((one) => one.patientId === patientId);
    if (bed === undefined) throw new Error(`no bed of ${patientId}`);
    return bed;
  };
  const change = (kind: Change, alert: Alert): Alert => {
    alerts.set(alert.id, alert);
    listener(kind, alert);
    return alert;
  };

  const ward = {
    tick: (now: number): readonly Tile[] =>
      beds.filter((bed) => bed.stoppedAt === undefined && bed.connection !== 'waiting').map((bed) => tileOf(bed, now)),
    wards: () => WARDS.map((one) => ({ ...one, beds: beds.filter((bed) => bed.wardId === one.id).length })),
    snapshot: (now: number, wardId?: string): Omit<LiveSnapshot, 'serverTime'> => ({
      wards: WARDS.filter((one) => wardId === undefined || one.id === wardId),
      tiles: beds.filter((bed) => wardId === undefined || bed.wardId === wardId).map((bed) => tileOf(bed, now)),
      alerts: [...alerts.values()].filter(
        (alert) => alert.state === 'active' && (wardId === undefined || alert.wardId === wardId),
      ),
    }),
    onAlert(next: typeof listener) {
      listener = next;
    },

    /** An alarm of this patient; `now` is when it began. */
    raise(patientId: string, alarm: Pick<Alert, 'priority' | 'kind'> & { cause: Alert['cause'] }, now: number): Alert {
      const bed = bedOf(patientId);
      const id = `A${nextAlert++}`;
      return change('raised', {
        id,
        patientId,
        wardId: bed.wardId,
        bedId: `bed-${bed.bed}`,
        bed: bed.bed,
        rule:
          alarm.cause.vital === undefined
            ? 'technical.lost'
            : `${alarm.cause.vital}.${alarm.cause.comparison}.${alarm.priority}`,
        ruleVersion: 1,
        kind: alarm.kind,
        priority: alarm.priority,
        highestPriority: alarm.priority,
        state: 'active',
        condition: 'present',
        cause: alarm.cause,
        worst: alarm.cause,
        deviceId: `D${bed.index + 1}`,
        readingId: `r-${id}`,
        lastReadingId: `r-${id}`,
        reminders: 0,
        notes: 0,
        raisedAt: new Date(now).toISOString(),
      });
    },
    alarm: (id: string): Alert | undefined => alerts.get(id),
    /** Anything else that can happen to an alarm, as the contract words it. */
    alter(id: string, kind: Change, part: Partial<Alert>): Alert | undefined {
      const alert = alerts.get(id);
      return alert === undefined ? undefined : change(kind, { ...alert, ...part });
    },
    /** The acknowledgement's time is over and the condition still present: it calls again. */
    expireAcknowledgement(id: string): void {
      const { acknowledgedAt: _, acknowledgedBy: __, acknowledgementExpiresAt: ___, ...rest } = alerts.get(id) ?? {};
      if ('id' in rest) change('acknowledgement-expired', rest as Alert);
    },
    endSnooze(id: string): void {
      const { snooze: _, ...rest } = alerts.get(id) ?? {};
      if ('id' in rest) change('unsnoozed', rest as Alert);
    },
    /** A heart rate of 165 with its alarm, as the reading of a monitor would bring it. */
    raiseHeartRate(patientId: string, now: number, value = 165): Alert {
      bedOf(patientId).fixed = { ...bedOf(patientId).fixed, heartRate: value };
      const cause = { vital: 'heartRate', value, comparison: 'above', limit: 160, text: `HR ${value} > 160` } as const;
      return ward.raise(patientId, { kind: 'physiological', priority: 'high', cause }, now);
    },
    end(id: string, now: number): void {
      const alert = alerts.get(id);
      if (alert !== undefined) change('ended', { ...alert, condition: 'ended', endedAt: new Date(now).toISOString() });
    },
    /** The alarm; or, if somebody has it, who. */
    acknowledge(id: string, by: string, now: number): Alert | string {
      const alert = alerts.get(id);
      if (alert === undefined) return 'This alarm is over.';
      if (alert.acknowledgedBy !== undefined) return `${alert.acknowledgedBy} has it.`;
      const taken = {
        ...alert,
        acknowledgedBy: by,
        owner: by,
        acknowledgedAt: new Date(now).toISOString(),
        acknowledgementExpiresAt: new Date(now + ACKNOWLEDGED_FOR_MS).toISOString(),
      };
      return alert.condition === 'ended'
        ? change('resolved', { ...taken, state: 'resolved', resolvedAt: taken.acknowledgedAt })
        : change('acknowledged', taken);
    },
    /** The patient leaves every bed, and the alarm goes on: nobody knows but by its patient who it is. */
    leaveBed(id: string): void {
      const { bedId: _, bed, ...rest } = alerts.get(id) ?? {};
      if ('id' in rest) change('unchanged', { ...rest, ...(bed !== undefined && { rangIn: { bed } }) } as Alert);
    },
    /** NEWS2 is not for this patient. */
    setYoung(patientId: string): void {
      bedOf(patientId).isYoung = true;
    },
    alerts: (patientId: string | undefined, state: string | null): readonly Alert[] =>
      [...alerts.values()]
        .filter(
          (alert) =>
            (patientId === undefined || alert.patientId === patientId) && (state ?? alert.state) === alert.state,
        )
        .reverse(),

    fix(patientId: string, values: Partial<Record<Vital, number>>): void {
      bedOf(patientId).fixed = values;
    },
    setConnection(patientId: string, connection: Tile['connection']): void {
      bedOf(patientId).connection = connection;
    },
    /** The device of this patient falls silent; `at` may lie in the past. */
    stop(patientId: string, at: number): void {
      bedOf(patientId).stoppedAt = at;
    },
    /** Every bed shows the widest value there can be, and its longest alarm. */
    showWorst(now: number): void {
      for (const bed of beds) {
        bed.fixed = {
          heartRate: 288,
          spo2: 100,
          respiratoryRate: 149,
          systolic: 249,
          diastolic: 149,
          temperature: 42.9,
        };
        const cause = { vital: 'spo2', value: 83.4, comparison: 'below', limit: 85, text: 'SpO₂ 84.94 < 85' } as const;
        ward.raise(bed.patientId, { kind: 'physiological', priority: 'high', cause }, now - 3_700_000);
        if (bed.index % 2 === 0) ward.end(`A${nextAlert - 1}`, now - 3_610_000);
      }
    },
    /** Each state once, as a demonstration. */
    showEverything(now: number): void {
      const technical = { kind: 'technical', priority: 'low' } as const;
      const news2 = { vital: 'news2', value: 7, comparison: 'at-least', limit: 7, text: 'NEWS2 7 ≥ 7' } as const;
      const spo2 = { vital: 'spo2', value: 83, comparison: 'below', limit: 85, text: 'SpO₂ 83 < 85' } as const;
      const rr = { vital: 'respiratoryRate', value: 27, comparison: 'above', limit: 25, text: 'RR 27 > 25' } as const;
      const place = (index: number) => beds[index % beds.length]?.patientId ?? 'P1';
      ward.raiseHeartRate(place(12), now - 134_000, 167);
      ward.fix(place(19), { spo2: 83 });
      ward.raise(place(19), { kind: 'physiological', priority: 'high', cause: spo2 }, now - 31_000);
      ward.fix(place(3), { respiratoryRate: 27, heartRate: 112, spo2: 93 });
      ward.raise(place(3), { kind: 'physiological', priority: 'medium', cause: news2 }, now - 200_000);
      ward.raise(place(25), { kind: 'physiological', priority: 'low', cause: rr }, now - 90_000);
      ward.fix(place(25), { respiratoryRate: 27 });
      const ended = ward.raiseHeartRate(place(8), now - 400_000, 171);
      ward.fix(place(8), { heartRate: 118 });
      ward.end(ended.id, now - 310_000);
      const taken = ward.raise(place(30), { kind: 'physiological', priority: 'high', cause: spo2 }, now - 500_000);
      ward.fix(place(30), { spo2: 84 });
      ward.acknowledge(taken.id, 'Nurse Kim Larsen', now - 420_000);
      const snoozed = ward.raise(place(33), { kind: 'physiological', priority: 'medium', cause: rr }, now - 700_000);
      ward.fix(place(33), { respiratoryRate: 27 });
      ward.alter(snoozed.id, 'snoozed', {
        snooze: {
          until: new Date(now + 220_000).toISOString(),
          by: 'Nurse Kim Larsen',
          at: new Date(now - 80_000).toISOString(),
        },
      });
      ward.alter(ward.raiseHeartRate(place(5), now - 260_000, 171).id, 'reminder', { reminders: 2 });
      ward.leaveBed(ward.raise(place(6), { kind: 'physiological', priority: 'medium', cause: rr }, now - 90_000).id);
      ward.setYoung(place(3));
      ward.stop(place(14), now - 9_000);
      ward.stop(place(21), now - 44_000);
      ward.raise(place(21), { ...technical, cause: { text: 'NO DATA' } }, now - 14_000);
      ward.setConnection(place(27), 'leads-off');
      ward.raise(place(27), { ...technical, cause: { text: 'LEADS OFF' } }, now - 65_000);
      ward.setConnection(place(35), 'waiting');
      ward.stop(place(17), now - 600_000);
      ward.setConnection(place(17), 'offline');
    },

    patients: (): PatientList['patients'] => beds.map((bed) => ({ ...person(bed), bed: bed.bed, wardId: bed.wardId })),
    detail(patientId: string, now: number): PatientDetail | undefined {
      const bed = beds.find((one) => one.patientId === patientId);
      if (bed === undefined) return undefined;
      return {
        ...person(bed),
        birthDate: '1959-04-17',
        sex: 'female',
        bedId: `bed-${bed.bed}`,
        bed: bed.bed,
        wardId: bed.wardId,
        wardName: WARDS.find((one) => one.id === bed.wardId)?.name ?? '',
        spo2Scale: 1,
        limits: limits.get(patientId) ?? DEFAULTS,
        tile: tileOf(bed, now),
      };
    },
    putLimits(patientId: string, rules: readonly LimitRule[]): readonly LimitRule[] {
      const own = rules.map((rule) => ({
        ...rule,
        id: `${rule.vital}.${rule.comparison}.${rule.priority}`,
        version: 2,
        source: 'patient' as const,
      }));
      const all = [...own, ...DEFAULTS.filter((rule) => !own.some((one) => one.id === rule.id))];
      limits.set(patientId, all);
      return all;
    },
    trend(patientId: string, from: number, to: number): TrendResponse {
      const bed = bedOf(patientId);
      const bucketMs = Math.ceil((to - from) / 600);
      const series: TrendResponse['series'] = {};
      for (const vital of Object.keys(BASE) as Vital[]) {
        const step = vital === 'systolic' || vital === 'diastolic' || vital === 'temperature' ? 900_000 : bucketMs;
        const column: TrendResponse['series'][string] = { at: [], mean: [], min: [], max: [] };
        for (let at = from; at < to; at += Math.max(step, bucketMs)) {
          const through = (at - from) / (to - from);
          // The device was off for a while.
          if (through > 0.42 && through < 0.5) continue;
          // A deterioration towards the end, for what is fixed now.
          const fixed = bed.fixed[vital];
          const settled = vitalAt({ ...bed, fixed: {} }, vital, at);
          const v =
            fixed === undefined ? settled : settled + (fixed - settled) * Math.max(0, (through - 0.8) / 0.2) ** 2;
          column.at.push(Math.round(at));
          column.mean.push(v);
          column.min.push(v - BASE[vital].swing * 1.2);
          column.max.push(v + BASE[vital].swing * 1.2);
        }
        series[vital] = column;
      }
      return { from, to, bucketMs, series };
    },
    sparklines(now: number): SparklineResponse {
      const patients: SparklineResponse['patients'] = {};
      for (const bed of beds) {
        const at = Array.from({ length: 180 }, (_, i) => now - (180 - i) * 5_000);
        patients[bed.patientId] = { at, v: at.map((ms) => vitalAt({ ...bed, fixed: {} }, 'heartRate', ms)) };
      }
      return { bucketMs: 5_000, patients };
    },
    devices: (now: number): DeviceList['devices'] =>
      beds.map((bed) => ({
        id: `D${bed.index + 1}`,
        patientId: bed.patientId,
        presence: bed.stoppedAt === undefined ? 'online' : 'offline',
        certificates: [
          { serial: `0A1B${bed.index}`, notAfter: new Date(now + (90.5 - 2 * bed.index) * 86_400_000).toISOString() },
        ].map((one) => ({ ...one, ...(revoked.has(one.serial) && { revokedAt: new Date(now).toISOString() }) })),
      })),
    revoke(deviceId: string, serial: string | undefined, now: number): number {
      const of = ward.devices(now).find(({ id }) => id === deviceId)?.certificates ?? [];
      const hit = of.filter((one) => one.revokedAt === undefined && (serial === undefined || one.serial === serial));
      for (const one of hit) revoked.add(one.serial);
      return hit.length;
    },
    enrollments: (now: number): DeviceEnrollmentList['enrollments'] => enrollmentsAt(now, decided),
    decideEnrollment(id: string, state: 'issued' | 'refused', now: number) {
      decided.set(id, state);
      return ward.enrollments(now).find((one) => one.id === id);
    },
    rejected: (now: number): RejectedList['rejected'] => [
      {
        id: '1',
        deviceId: 'D4',
        receivedAt: new Date(now - 60_000).toISOString(),
        source: 'mqtt',
        payload: '{"id":"r1","at":"2026-11-22T01:02:03Z","vitals":{"heartRate":999}}',
        errors: [{ code: 'implausible-value', field: 'vitals.heartRate', detail: 'between 0 and 350 /min' }],
        state: 'open',
      },
    ],
  };
  return ward;
}

const ACKNOWLEDGED_FOR_MS = 30 * 60_000;

const DEFAULTS: LimitRule[] = [
  {
    id: 'heartRate.above.high',
    version: 1,
    vital: 'heartRate',
    comparison: 'above',
    limit: 160,
    priority: 'high',
    source: 'default',
  },
  {
    id: 'spo2.below.high',
    version: 1,
    vital: 'spo2',
    comparison: 'below',
    limit: 85,
    priority: 'high',
    source: 'default',
  },
];

const BASE: Readonly<Record<Vital, { readonly middle: number; readonly spread: number; readonly swing: number }>> = {
  heartRate: { middle: 78, spread: 22, swing: 5 },
  spo2: { middle: 96.5, spread: 2, swing: 0.8 },
  respiratoryRate: { middle: 15, spread: 3, swing: 1.2 },
  systolic: { middle: 122, spread: 14, swing: 5 },
  diastolic: { middle: 74, spread: 8, swing: 3 },
  temperature: { middle: 36.8, spread: 0.4, swing: 0.1 },
};

function vitalAt(bed: Bed, vital: Vital, at: number): number {
  const fixed = bed.fixed[vital];
  if (fixed !== undefined) return fixed;
  const { middle, spread, swing } = BASE[vital];
  const own = middle + spread * Math.sin(bed.index * 2.399);
  const now = own + swing * Math.sin(at / 97_000 + bed.index) + swing * 0.5 * Math.sin(at / 11_000 + bed.index * 3);
  return vital === 'temperature' ? Math.round(now * 10) / 10 : Math.round(vital === 'spo2' ? Math.min(100, now) : now);
}

function tileOf(bed: Bed, now: number): Tile {
  const at = bed.stoppedAt ?? now;
  const place = { patientId: bed.patientId, wardId: bed.wardId, bedId: `bed-${bed.bed}`, bed: bed.bed };
  if (bed.connection === 'waiting') return { ...place, connection: 'waiting', values: {} };
  const value = (vital: Vital, back: number, staleAfter: number): TileValue => ({
    v: vitalAt(bed, vital, at - back),
    at: at - back,
    rx: at - back,
    staleAfter,
    lostAfter: staleAfter * 6,
  });
  const cuff = (bed.index * 53_000) % 900_000;
  return {
    ...place,
    lastAt: at,
    connection: bed.connection,
    battery: bed.index % 9 === 4 ? 0.14 : 0.8,
    oxygen: bed.index % 6 === 0,
    consciousness: 'A',
    values: {
      heartRate: value('heartRate', 0, 5_000),
      spo2: value('spo2', 0, 5_000),
      respiratoryRate: value('respiratoryRate', 0, 5_000),
      systolic: value('systolic', cuff, 4_500_000),
      diastolic: value('diastolic', cuff, 4_500_000),
      temperature: value('temperature', cuff, 4_500_000),
    },
    ...(bed.isYoung ? { news2NotApplicable: 'under-16' as const } : { news2: news2Of(bed) }),
  };
}

function news2Of(bed: Bed): NonNullable<Tile['news2']> {
  const score = (bed.index * 7) % 5;
  const isBad = Object.keys(bed.fixed).length > 0;
  return {
    score: isBad ? 5 + (bed.index % 8) : score,
    single3: isBad,
    points: { respiratoryRate: 0, spo2: 1, systolic: 0, heartRate: isBad ? 3 : 1, temperature: 0, oxygen: 0 },
    missing: bed.index % 5 === 2 ? [{ parameter: 'consciousness' }] : [],
  };
}

function person(bed: Bed): { id: string; mrn: string; familyName: string; givenName: string } {
  return {
    id: bed.patientId,
    mrn: `90${String(4_821 + bed.index * 37).padStart(5, '0')}`,
    familyName: FAMILY[bed.index % FAMILY.length] ?? '',
    givenName: GIVEN[(bed.index * 3) % GIVEN.length] ?? '',
  };
}
