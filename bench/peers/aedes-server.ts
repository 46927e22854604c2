/** The server half of `aedes.ts`: CA, certificate, key, and a folder for our log where the PUBACK shall wait for it. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';
import { openSegmentLog } from '../../server/src/adapters/embedded/segment-log/segment-log.ts';
import { testLogKeys } from '../../server/src/adapters/embedded/segment-log/test-log-keys.ts';
import { parseDeviceId, parsePatientId } from '../../server/src/domain/ids.ts';
import { parseReading } from '../../server/src/domain/parse-reading.ts';

const [caFile = '', certFile = '', keyFile = '', logFolder] = process.argv.slice(2);
const log =
  logFolder === undefined
    ? undefined
    : await openSegmentLog({ folder: logFolder, partitions: 16, groups: [], keys: testLogKeys(), now: Date.now });
const patientId = parsePatientId('bench');
const broker = await Aedes.createBroker({
  queueLimit: 1_000,
  // aedes acknowledges a QoS 1 publish when this calls back: held until our log has synced.
  authorizePublish: (client, packet, done) => {
    const deviceId = parseDeviceId(client?.id);
    if (log === undefined || deviceId === undefined || patientId === undefined) return done(null);
    const value: unknown = JSON.parse(packet.payload.toString());
    const parsed = parseReading(value, { deviceId, nowMs: Date.now(), clockAheadMaxMs: 60_000 });
    if (parsed.kind !== 'ok') return done(new Error('not a reading'));
    const reading = { ...parsed.reading, patientId, receivedAtMs: Date.now() };
    log.append(reading, { stored: () => done(null), refused: done });
  },
});
const server = createServer(
  {
    ca: readFileSync(caFile),
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    noDelay: true,
  },
  (socket) => broker.handle(socket),
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
process.on('SIGTERM', () => process.exit(0));
