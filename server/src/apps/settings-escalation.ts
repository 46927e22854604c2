import { Type } from 'typebox';
import { ESCALATION_TIMES } from '../domain/escalation-times.ts';
import { TOGETHER_MS } from '../domain/told-together.ts';
import { variable } from './setting-variable.ts';

/** How long each step of an escalation waits, and who watches over it from outside. */
export const ESCALATION_SETTINGS = {
  escalationNurseSeconds: seconds(
    'HEALTHSYNC_ESCALATION_NURSE_SECONDS',
    ESCALATION_TIMES.nurseSeconds,
    'How long the nurse has before the vital is read again and the charge nurse and the doctor are told.',
  ),
  escalationLeadsSeconds: seconds(
    'HEALTHSYNC_ESCALATION_LEADS_SECONDS',
    ESCALATION_TIMES.leadsSeconds,
    'How long the charge nurse and the doctor have before whoever is on call is told.',
  ),
  escalationOnCallSeconds: seconds(
    'HEALTHSYNC_ESCALATION_ON_CALL_SECONDS',
    ESCALATION_TIMES.onCallSeconds,
    'How long whoever is on call has before everybody is told.',
  ),
  escalationEveryoneSeconds: seconds(
    'HEALTHSYNC_ESCALATION_EVERYONE_SECONDS',
    ESCALATION_TIMES.everyoneSeconds,
    'How often everybody is told again.',
  ),
  escalationMediumSeconds: seconds(
    'HEALTHSYNC_ESCALATION_MEDIUM_SECONDS',
    ESCALATION_TIMES.mediumSeconds,
    'How long each step of a medium alarm waits.',
  ),
  escalationRepeatsMax: Type.Integer({
    ...variable('HEALTHSYNC_ESCALATION_REPEATS_MAX'),
    minimum: 1,
    maximum: 100,
    default: ESCALATION_TIMES.repeatsMax,
    description:
      'How often the last step is told before an alarm of the installation rings instead; the watchdog then goes on every ten minutes.',
  }),
  escalationTogetherSeconds: Type.Integer({
    ...variable('HEALTHSYNC_ESCALATION_TOGETHER_SECONDS'),
    minimum: 0,
    maximum: 600,
    default: TOGETHER_MS / 1_000,
    description:
      'How far apart the pages of several alarms of one patient to one person may be to be told as one; 0 tells each.',
  }),
  demoEscalationSeconds: Type.Integer({
    ...variable('HEALTHSYNC_DEMO_ESCALATION_SECONDS'),
    minimum: 0,
    maximum: 3_600,
    default: 45,
    description:
      'In the demo, each step of an escalation whose time is not set above waits no longer than this, so that it can be watched. 0: as on a ward.',
  }),
  deadManUrl: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_DEADMAN_URL', 'an http:// or https:// address'),
      secret: true,
      pattern: '^https?://[^\\s]+$',
      description:
        'Called once a minute while the watchdog over escalation is well, so that a service outside notices when this one is not.',
    }),
  ),
  timeZone: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TIME_ZONE', 'an IANA time zone such as Europe/Berlin'),
      pattern: '^[A-Za-z0-9_+/-]{1,64}$',
      description:
        'Of shifts, rotas and quiet hours where they do not say otherwise, and of the times that pages show; without it, the machine’s own.',
    }),
  ),
};

/** An hour at most: whatever waits longer is no alarm. */
function seconds(name: string, byDefault: number, description: string) {
  return Type.Integer({ ...variable(name), minimum: 1, maximum: 3_600, default: byDefault, description });
}
