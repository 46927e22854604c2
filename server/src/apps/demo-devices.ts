/**
 * The demo's forty monitors, as a process of their own: `demo-devices.ts FLEET-FILE MQTT-PORT PAST-HOURS`. It knows of
 * the server what any device knows: an address, a CA, and its own certificate. Ends when its parent does.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { runDemoStream } from '../simulation/demo-stream.ts';
import type { DeviceIdentity } from '../simulation/device-client.ts';
import { readDemoFleet } from './demo.ts';

const [fleetFile = '', mqttPort = '', pastHours = '0'] = process.argv.slice(2);
const { ca, identities } = readDemoFleet(fleetFile);
const fleet = new Map(identities.map((identity) => [identity.deviceId, identity]));

/** As a monitor keeps its key: whole or not at all, whatever happens meanwhile. */
function keep(identity: DeviceIdentity): void {
  fleet.set(identity.deviceId, identity);
  writeFileSync(`${fleetFile}.new`, JSON.stringify({ ca, identities: [...fleet.values()] }), { mode: 0o600 });
  renameSync(`${fleetFile}.new`, fleetFile);
}

const stopping = new AbortController();
const stop = () => stopping.abort();
process.on('SIGTERM', stop);
// A terminal's ^C reaches the whole group; the server stops us in its turn.
process.on('SIGINT', () => {});
// The parent holds the other end: killed or not, when it is gone this ends.
process.stdin.on('end', stop).on('error', stop).resume();

await runDemoStream({
  target: { host: 'localhost', port: Number(mqttPort), ca },
  identities: new Map(identities.map((identity) => [identity.deviceId, identity])),
  seed: 20_261_122,
  pastHours: Number(pastHours),
  signal: stopping.signal,
  // The server tells what it refuses; here nobody listens.
  onError: () => {},
  onRenewed: keep,
});
process.exit(0);
