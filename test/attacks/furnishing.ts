import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '../../server/src/domain/access.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly ms: number;
}

/** One of everything that lies in a ward or belongs to its patient. */
export interface Furnished {
  readonly ward: string;
  readonly bed: string;
  readonly patient: string;
  readonly device: string;
  readonly user: string;
  readonly rota: string;
  readonly alert: string;
  readonly consent: string;
  readonly ruleOverride: string;
  readonly assignment: string;
}

/** Whose certificates may be revoked without taking those of the others. */
export const LOST_DEVICE = 'DX';

export type AskAs = (role: Role, method: string, url: string, body?: object) => Promise<Answer>;

/** Made by the interface itself, as people and devices would. */
export async function furnish(
  as: AskAs,
  ward: string,
  sendReading: (text: string) => Promise<Answer>,
): Promise<Furnished> {
  const [patient, user, rota] = [`P${ward}`, `u-target-${ward}`, `R${ward}`];
  await raised(ward, sendReading);
  await sendReading('{"id":"bad","at":"never","vitals":{}}');
  const consent = idOf(await as('physician', 'POST', `/api/patients/${patient}/consents`, { purpose: 'research' }));
  const layer = { name: 'first', people: [user], startsOn: '2026-01-01', handoverAt: '08:00', turnDays: 7 };
  const plan = {
    name: `Rota ${ward}`,
    wardIds: [ward],
    zone: 'Europe/Berlin',
    layers: [layer],
    reason: 'for tests',
    version: 0,
  };
  await known(() => as('charge-nurse', 'PUT', `/api/rotas/${rota}`, plan));
  const assignment = idOf(
    await known(() => as('charge-nurse', 'POST', `/api/wards/${ward}/assignments`, { role: 'nurse', userId: user })),
  );
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const rule = {
    kind: 'limit',
    id: 'heartRate.above.high',
    priority: 'high',
    vital: 'heartRate',
    comparison: 'above',
    limit: 120,
  };
  const override = await as('physician', 'POST', `/api/patients/${patient}/rules/overrides`, {
    reason: 'for tests',
    rule,
    until,
  });
  let alert: string | undefined;
  for (let tries = 0; alert === undefined; tries++) {
    if (tries > 1_000) throw new Error('the reading raised no alarm');
    const { alerts } = JSON.parse((await as('nurse', 'GET', `/api/alerts?patient=${patient}&state=active`)).text);
    alert = alerts[0]?.id;
    await sleep(5);
  }
  return {
    ward,
    bed: `${ward}-1`,
    patient,
    device: `D${ward}`,
    user,
    rota,
    alert,
    consent,
    ruleOverride: idOf(override),
    assignment,
  };
}

/** A heart rate that alarms, sent until the server has heard of the device and of who wears it. */
async function raised(ward: string, sendReading: (text: string) => Promise<Answer>): Promise<void> {
  for (let tries = 0; ; tries++) {
    const reading = { id: `r-${ward}-${tries}`, at: new Date().toISOString(), vitals: { heartRate: 190 } };
    const { status, text } = await sendReading(JSON.stringify(reading));
    if (status === 202 && text.includes('"accepted"')) return;
    if (tries > 200) throw new Error(`the reading is not taken: ${status} ${text}`);
    await sleep(50);
  }
}

/** Asked until the server has heard of the people who were made: who works here is remembered for two seconds. */
async function known(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    const answer = await ask();
    if (answer.status !== 400 || tries > 200) return answer;
    await sleep(50);
  }
}

function idOf({ status, text }: Answer): string {
  const body = JSON.parse(text);
  const id = body.id ?? body.override?.id ?? body.assignment?.id;
  if (status >= 300 || typeof id !== 'string') throw new Error(`cannot be furnished: ${status} ${text.slice(0, 300)}`);
  return id;
}

/** Which of it a path's parameter is filled with. */
export function inPath({ ward, patient, device, user, rota, alert, consent, ruleOverride, assignment }: Furnished) {
  const byUrl: readonly (readonly [url: RegExp, id: string])[] = [
    [/^\/api\/patients/, patient],
    [/^\/api\/wards/, ward],
    [/^\/api\/alerts/, alert],
    [/^\/api\/users/, user],
    [/^\/api\/devices\/:id\/revoke/, LOST_DEVICE],
    [/^\/api\/devices/, device],
    [/^\/api\/rotas/, rota],
    [/^\/api\/rule-overrides/, ruleOverride],
    [/^\/api\/consents|^\/fhir\/Consent/, consent],
    [/^\/api\/channels/, 'smtp'],
    [/^\/fhir\/AuditEvent/, '0'],
    [/^\/authorize/, hash('sha256', 'an interaction', 'base64url')],
    [/^\/oidc/, 'auth'],
    [/^\/assets/, 'none.js'],
  ];
  return (url: string, parameter: string): string => {
    if (parameter === 'version') return '1';
    if (parameter === 'assignmentId') return assignment;
    return byUrl.find(([known]) => known.test(url))?.[1] ?? 'example';
  };
}
