import type { CareTeam, QuietHours } from '@healthsync/contracts/care-team';
import type { Channel, ChannelList, ChannelTestResult, MessageSamples } from '@healthsync/contracts/channel';
import type { ContactList } from '@healthsync/contracts/contact';
import type { Rota, RotaList, RotaSchedule, StaffList } from '@healthsync/contracts/rota';
import type { SystemAlarm } from '@healthsync/contracts/system-alarm';
import type { TopicSubscription } from '@healthsync/contracts/topic';

/** The house around the ward: who is on call, who looks after whom, by what they are told. As scripted as the ward. */
export type MockHouse = ReturnType<typeof createMockHouse>;

const DAY = 86_400_000;
const ROTA_ZONE = 'Europe/Berlin';
const iso = (ms: number) => new Date(ms).toISOString();
const STAFF: StaffList['staff'] = [
  { userId: 'kim', name: 'Kim Larsen', roles: ['nurse'], wardIds: ['w3', 'icu'], reachable: true },
  { userId: 'ama', name: 'Dr Ama Osei', roles: ['physician'], wardIds: ['w3', 'icu'], reachable: true },
  { userId: 'jan', name: 'Dr Jan Brandt-Featherstonehaugh', roles: ['physician'], wardIds: ['icu'], reachable: true },
  { userId: 'rui', name: 'Rui Tavares', roles: ['charge-nurse'], wardIds: ['w3'], reachable: false },
];
const nameOf = (userId: string) => STAFF.find((one) => one.userId === userId)?.name ?? userId;

export function createMockHouse(startedAt: number) {
  /** The Monday of this week as it is where the rota is, where on Sunday evening it is Monday already; 07:00 UTC. */
  const today = Date.parse(new Intl.DateTimeFormat('sv-SE', { timeZone: ROTA_ZONE }).format(startedAt));
  const monday = Math.floor((today - 4 * DAY) / (7 * DAY)) * 7 * DAY + 4 * DAY + 7 * 3_600_000;
  const rotas: Rota[] = [
    {
      id: 'doctors',
      version: 3,
      name: 'Doctors at night',
      wardIds: ['w3', 'icu'],
      zone: ROTA_ZONE,
      layers: [
        { name: 'first', people: ['ama', 'jan'], startsOn: iso(monday).slice(0, 10), handoverAt: '08:00', turnDays: 7 },
        { name: 'second', people: ['jan'], startsOn: iso(monday).slice(0, 10), handoverAt: '08:00', turnDays: 7 },
      ],
      setBy: 'Dr Ama Osei',
      setAt: iso(startedAt - 20 * DAY),
      reason: 'Winter plan',
      retired: false,
    },
  ];
  const overrides: RotaSchedule['overrides'] = [];
  let quiet: QuietHours = {
    zone: 'Europe/Berlin',
    windows: [{ weekdays: [6, 7], from: '22:00', to: '06:00', priorities: ['low'], effect: 'hold' }],
  };
  const system = new Map<string, SystemAlarm>();
  const subscriptions: TopicSubscription[] = [
    {
      id: 't1',
      topic: 'alarms.high.icu',
      subscriber: { kind: 'user', userId: 'ama', name: 'Dr Ama Osei' },
      source: 'app',
    },
    {
      id: 't2',
      topic: 'system',
      subscriber: { kind: 'endpoint', channel: 'ops-hook', recipient: 'https://ops.example/hook' },
      source: 'settings',
    },
  ];
  let contacts: ContactList['contacts'] = [
    { channel: 'mail', channelType: 'smtp', address: 'ama@ward.example', verified: true, verifiedBy: 'code' },
    { channel: 'sms', channelType: 'sms', address: '+4930123456', verified: false, minPriority: 'high' },
  ];
  const channels: Channel[] = [
    channel('mail', 'smtp', { lastDeliveredAt: iso(startedAt - 40_000), state: 'up' }),
    channel('sms', 'sms', {
      state: 'failing',
      failedInARow: 7,
      waiting: 3,
      lastFailure: 'HTTP 503',
      lastFailedAt: iso(startedAt - 12_000),
      oldestWaitingAt: iso(startedAt - 300_000),
    }),
    channel('push', 'web-push', { state: 'up', lastDeliveredAt: iso(startedAt - 4_000) }),
    channel('ops-hook', 'webhook', {}),
  ];
  const warnings: RotaSchedule['warnings'] = [
    {
      code: 'gap',
      layer: 'second',
      from: iso(monday + 5 * DAY),
      to: iso(monday + 6 * DAY),
      text: 'Nobody is on call in the second layer.',
    },
    { code: 'unreachable', userId: 'rui', text: 'Rui Tavares has no verified contact.' },
  ];

  return {
    staff: (): StaffList => ({ staff: STAFF }),
    rotas: (): RotaList => ({
      rotas: rotas.map((rota) => ({
        rota,
        now: [
          { layer: 'first', userId: 'ama', name: nameOf('ama'), by: 'rotation', until: iso(monday + 7 * DAY) },
          { layer: 'second', userId: 'jan', name: nameOf('jan'), by: 'rotation', until: iso(monday + 5 * DAY) },
        ],
        warnings,
      })),
    }),
    schedule(from: number, to: number): RotaSchedule {
      const [rota] = rotas;
      if (rota === undefined) throw new Error('no rota');
      const span = (layer: string, userId: string | undefined, start: number, end: number, overrideId?: string) => ({
        layer,
        ...(userId !== undefined && { userId, name: nameOf(userId) }),
        by:
          userId === undefined
            ? ('nobody' as const)
            : overrideId === undefined
              ? ('rotation' as const)
              : ('override' as const),
        ...(overrideId !== undefined && { overrideId }),
        from: iso(start),
        to: iso(end),
      });
      return {
        rota,
        from: iso(from),
        to: iso(to),
        overrides,
        warnings,
        spans: [
          span('first', 'jan', monday - 7 * DAY, monday),
          span('first', 'ama', monday, monday + 2 * DAY),
          span('first', overrides[0]?.userId ?? 'kim', monday + 2 * DAY, monday + 3 * DAY, 'o1'),
          span('first', 'ama', monday + 3 * DAY, monday + 7 * DAY),
          span('second', 'jan', monday - 7 * DAY, monday + 5 * DAY),
          span('second', undefined, monday + 5 * DAY, monday + 6 * DAY),
          span('second', 'jan', monday + 6 * DAY, monday + 14 * DAY),
        ],
      };
    },
    override(body: Readonly<Record<string, unknown>>): void {
      overrides.unshift({
        id: 'o1',
        layer: String(body['layer']),
        userId: String(body['userId']),
        from: String(body['from']),
        to: String(body['to']),
        reason: String(body['reason']),
        madeBy: 'Dr Ama Osei',
        madeAt: iso(startedAt),
      });
    },
    team: (wardId: string, beds: CareTeam['beds']): CareTeam => ({
      wardId,
      at: iso(startedAt),
      zone: 'Europe/Berlin',
      shifts: [
        { name: 'early', from: '06:00', to: '14:00' },
        { name: 'late', from: '14:00', to: '22:00' },
        { name: 'night', from: '22:00', to: '06:00' },
      ],
      shiftsVersion: 1,
      shiftNow: 'night',
      assignments: [
        {
          id: 'a1',
          wardId,
          role: 'nurse',
          userId: 'kim',
          name: nameOf('kim'),
          bedIds: beds.slice(0, 4).map(({ bedId }) => bedId),
          patientIds: [],
          from: iso(startedAt - DAY),
          shift: 'night',
          madeBy: 'Rui Tavares',
          madeAt: iso(startedAt - DAY),
        },
        {
          id: 'a2',
          wardId,
          role: 'doctor',
          userId: 'ama',
          name: nameOf('ama'),
          bedIds: [],
          patientIds: [],
          from: iso(startedAt - 3 * DAY),
          madeBy: 'Rui Tavares',
          madeAt: iso(startedAt - 3 * DAY),
        },
      ],
      beds: beds.map((bed, i) => ({ ...bed, nurses: i < 4 ? [{ userId: 'kim', name: nameOf('kim') }] : [] })),
      chargeNurses: [],
      doctors: [{ userId: 'ama', name: nameOf('ama') }],
      warnings: [
        { code: 'no-charge-nurse', text: 'No charge nurse is assigned.' },
        ...beds
          .slice(4, 6)
          .map(({ bedId, bed }) => ({ code: 'bed-without-nurse' as const, bedId, text: `Bed ${bed} has no nurse.` })),
      ],
    }),
    channels: (): ChannelList => ({ channels }),
    samples: (): MessageSamples => ({
      samples: [
        { level: 'minimal', subject: 'High alarm, bed W3-01', text: 'High alarm at bed W3-01, 01:02. Open the wall.' },
        {
          level: 'standard',
          subject: 'High alarm, bed W3-01: heart rate high',
          text: 'High alarm at bed W3-01: heart rate high, 01:02.',
        },
        {
          level: 'detailed',
          subject: 'High alarm, bed W3-01: HR 167 > 160',
          text: 'High alarm at bed W3-01: HR 167 > 160, 01:02.',
        },
        {
          level: 'rich',
          subject: 'High alarm, Ms Sample, bed W3-01',
          text: 'High alarm: Ms Sample, bed W3-01, HR 167 > 160, with a chart.',
        },
      ],
    }),
    test: (name: string): ChannelTestResult =>
      name === 'sms'
        ? { outcome: 'transient', reason: 'HTTP 503', tookMs: 812 }
        : { outcome: 'delivered', receipt: 'r-17', tookMs: 143 },
    putPolicy(name: string, body: Readonly<Record<string, unknown>>): Channel['policy'] | undefined {
      const at = channels.findIndex((one) => one.name === name);
      const found = channels[at];
      if (found === undefined || body['version'] !== found.policy.version) return undefined;
      const policy = {
        ...found.policy,
        ...body,
        version: found.policy.version + 1,
        setBy: 'The operator',
        setAt: iso(startedAt),
      };
      channels[at] = { ...found, policy };
      return policy;
    },
    contacts: (): ContactList => ({
      version: 1,
      contacts,
      channels: [
        { name: 'mail', type: 'smtp', addressHint: 'name@ward.example', verification: 'code' },
        { name: 'sms', type: 'sms', addressHint: '+4930123456', verification: 'code' },
        { name: 'slack-icu', type: 'slack', addressHint: 'U012AB3CD', verification: 'admin' },
      ],
    }),
    putContacts(next: readonly { channel: string; address: string }[]): void {
      contacts = next.map((one) => ({
        channelType: 'smtp',
        verified: false,
        ...contacts.find((known) => known.channel === one.channel && known.address === one.address),
        ...one,
      }));
    },
    confirm(channelName: string, address: string): void {
      contacts = contacts.map((one) =>
        one.channel === channelName && one.address === address ? { ...one, verified: true, verifiedBy: 'code' } : one,
      );
    },
    quietHours: (): QuietHours => quiet,
    putQuietHours(body: object): QuietHours {
      quiet = { ...quiet, ...body };
      return quiet;
    },
    topics: () => ({ subscriptions }),
    system: (): readonly SystemAlarm[] => [...system.values()],
    raiseSystem(alarm: SystemAlarm): SystemAlarm {
      system.set(alarm.id, alarm);
      return alarm;
    },
  };
}

function channel(name: string, type: Channel['type'], health: Partial<Channel['health']>): Channel {
  return {
    name,
    type,
    policy: {
      level: 'minimal',
      confidential: false,
      answers: true,
      summarises: type !== 'webhook',
      limits: { channel: { burst: 30, perMinute: 60 }, recipient: { burst: 5, perMinute: 6 } },
      version: 0,
    },
    health: { state: 'unused', failedInARow: 0, waiting: 0, ...health },
    endpoints: type === 'webhook' ? ['https://ops.example/hook'] : [],
    showsPictures: type === 'smtp',
    reachesPeople: type !== 'webhook',
  };
}
