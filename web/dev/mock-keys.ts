import type { AppsLetIn, Client, ClientList } from '@healthsync/contracts/openid';
import type { AccessList, ApiKeyList, ApiKeyMade, KeyScopes } from '@healthsync/contracts/user';

type Body = Readonly<Record<string, unknown>>;
const DAY_MS = 86_400_000;

/** Service accounts, apps, sessions and keys, as scripted as the ward. */
export function createMockKeys(startedAt: number) {
  const iso = (days: number) => new Date(startedAt + days * DAY_MS).toISOString();
  const clients: Client[] = [
    {
      id: 'lab-feed',
      kind: 'service',
      name: 'Laboratory feed',
      redirectUris: [],
      hasKey: true,
      keys: [{ kid: 'lab-2026', kty: 'EC', alg: 'ES384', thumbprint: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' }],
      scopes: ['patient.read', 'vitals.read', 'alarm.read', 'system/Observation.rs', 'system/Patient.r'],
      roles: ['integration'],
      wards: [],
      createdAt: iso(-200),
      createdBy: 'ada',
      lastUsedAt: iso(0),
    },
    {
      id: 'old-export',
      kind: 'service',
      name: 'Old export of the Department of Anaesthesiology and Intensive Care',
      redirectUris: [],
      hasKey: true,
      keys: [{ kid: 'k1', kty: 'RSA', thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' }],
      scopes: ['alarm.*'],
      roles: ['integration'],
      wards: ['icu'],
      createdAt: iso(-400),
      createdBy: 'ada',
      disabledAt: iso(-20),
    },
    {
      id: 'growth-charts',
      kind: 'app',
      name: 'Growth charts',
      redirectUris: ['https://growth.example/callback'],
      hasKey: false,
      keys: [],
      scopes: ['openid', 'fhirUser', 'launch/patient', 'patient/Observation.rs'],
      roles: [],
      wards: [],
      mustProveKey: true,
      mustPushRequests: true,
      createdAt: iso(-30),
      createdBy: 'ada',
    },
  ];
  let letIn: AppsLetIn['apps'] = [
    {
      id: 'app1',
      client: 'Growth charts',
      scopes: ['openid', 'launch/patient', 'patient/Observation.rs', 'alarm.read', 'online_access'],
      words: { 'alarm.read': 'read alarms' },
      patientId: 'P13',
      letInAt: iso(-0.3),
      lastUsedAt: iso(0),
      endsAt: iso(0.2),
    },
    {
      id: 'app2',
      client: 'Antibiotic stewardship of the Department of Infectious Diseases',
      scopes: ['openid', 'user/*.rs', 'offline_access'],
      words: {},
      letInAt: iso(-12),
      endsAt: iso(18),
    },
  ];
  let everybodys: ApiKeyList['keys'] = [
    {
      id: 'key1',
      label: 'Nightly export',
      owner: { userId: 'kim', name: 'kim', displayName: 'Kim Larsen' },
      scopes: ['alarm.read', 'vitals.read'],
      createdAt: iso(-25),
      expiresAt: iso(5),
      lastUsedAt: iso(0),
    },
    {
      id: 'key2',
      owner: { userId: 'ama', name: 'ama', displayName: 'Dr Ama Osei' },
      createdAt: iso(-100),
      expiresAt: iso(200),
    },
  ];
  const own: AccessList['open'] = [
    {
      id: 's1',
      kind: 'session',
      factors: ['password', 'totp'],
      createdAt: iso(-0.1),
      expiresAt: iso(0.4),
      lastUsedAt: iso(0),
      isThis: true,
    },
    {
      id: 's2',
      kind: 'session',
      factors: ['passkey'],
      createdAt: iso(-0.3),
      expiresAt: iso(0.2),
      lastUsedAt: iso(-0.2),
      isThis: false,
    },
  ];

  return {
    clients: (): ClientList => ({
      clients,
      scopes: [
        ...SCOPES,
        { scope: 'alarm.*' },
        { scope: 'openid' },
        { scope: 'fhirUser' },
        { scope: 'launch/patient' },
        { scope: 'offline_access' },
      ],
      roles: ['nurse', 'charge-nurse', 'physician', 'admin', 'operator', 'analyst', 'privacy-officer', 'integration'],
    }),
    addClient(body: Body, by: string, now: number): Client {
      const { jwks, ...wanted } = body as {
        readonly jwks?: { readonly keys: readonly { kid: string; kty: string }[] };
      };
      const made = {
        redirectUris: [],
        roles: [],
        wards: [],
        ...wanted,
        hasKey: jwks !== undefined,
        keys: (jwks?.keys ?? []).map(({ kid, kty }) => ({ kid, kty, thumbprint: `print-of-${kid}` })),
        createdAt: new Date(now).toISOString(),
        createdBy: by,
      } as unknown as Client;
      clients.unshift(made);
      return made;
    },
    addKey(id: string, { kid, kty }: { readonly kid: string; readonly kty: string }): Client | undefined {
      const client = clients.find((one) => one.id === id);
      client?.keys.push({ kid, kty, thumbprint: `print-of-${kid}` });
      return client;
    },
    endClient(id: string, now: number): Client | undefined {
      const client = clients.find((one) => one.id === id);
      if (client !== undefined) client.disabledAt = new Date(now).toISOString();
      return client;
    },
    everybodys: (): ApiKeyList => ({ keys: everybodys }),
    end(id: string): object {
      everybodys = everybodys.filter((key) => key.id !== id);
      return {};
    },
    apps: (): AppsLetIn => ({ apps: letIn }),
    endApp(id: string): object | undefined {
      const before = letIn.length;
      letIn = letIn.filter((app) => app.id !== id);
      return letIn.length < before ? {} : undefined;
    },
    mine: (): AccessList => ({ open: own }),
    scopes: (): KeyScopes => ({ scopes: SCOPES }),
    make(body: Body, now: number): ApiKeyMade {
      const { label, scopes, days } = body as { label: string; scopes: string[]; days: number };
      const expiresAt = new Date(now + days * DAY_MS).toISOString();
      const createdAt = new Date(now).toISOString();
      own.push({ id: 'made', kind: 'api', label, scopes, factors: ['api-key'], createdAt, expiresAt, isThis: false });
      return { id: 'made', token: 'hsa_3Fq0cZ8sVn1yTtLw5rGdK9bX2mEjPhUoAi7R4vYxQeC', expiresAt };
    },
  };
}

const SCOPES = [
  { scope: 'wall.watch', words: 'watch the wall: beds, values, alarms; no names' },
  { scope: 'patient.read', words: 'read a patient’s name, number, bed' },
  { scope: 'vitals.read', words: 'read a patient’s values and how they are judged' },
  { scope: 'alarm.read', words: 'read alarms' },
  { scope: 'alarm.acknowledge', words: 'take, hand on, silence and note alarms' },
  { scope: 'rota.read', words: 'read rotas and care teams' },
];
