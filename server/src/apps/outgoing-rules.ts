import type { OutgoingRules } from '../adapters/notify/outgoing-address.ts';
import type { Settings } from './settings.ts';

/** Where addresses may lead that people set in the app, and those that the settings themselves name. */
export function outgoingRules(
  { outgoingHosts, outgoingPorts }: Pick<Settings, 'outgoingHosts' | 'outgoingPorts'>,
  named: readonly string[] = [],
): OutgoingRules {
  return { allowedHosts: [...outgoingHosts, ...named], ports: outgoingPorts.map(Number) };
}
