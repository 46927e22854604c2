import type { DeviceIdentity } from './device-client.ts';
import type { DeviceKey } from './device-key.ts';

/** A device's side of renewal over the air: told to, it makes a key, asks, and takes what it gets. */
export function renewing(device: {
  readonly deviceId: string;
  ask(request: Buffer): void;
  onRenewed(identity: DeviceIdentity): void;
}): { hear(topic: string, payload: Buffer): void } {
  /** Of the request that is under way: an answer to another is not ours to use. */
  let asked: DeviceKey | undefined;

  async function ask(): Promise<void> {
    // Only a device that renews needs the library.
    const { newDeviceKey } = await import('./device-key.ts');
    asked = await newDeviceKey(`CN=${device.deviceId}`);
    device.ask(asked.request);
  }

  return {
    hear(topic, payload) {
      const said = parsed(payload);
      if (topic.endsWith('/commands') && said.command === 'renew-certificate') {
        ask().catch(() => undefined);
        return;
      }
      if (!topic.endsWith('/certificate') || asked === undefined) return;
      const { key } = asked;
      asked = undefined;
      if (said.outcome === 'issued')
        device.onRenewed({ deviceId: device.deviceId, cert: String(said.certificate), key });
    },
  };
}

interface Said {
  readonly command?: unknown;
  readonly outcome?: unknown;
  readonly certificate?: unknown;
}

function parsed(payload: Buffer): Said {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
