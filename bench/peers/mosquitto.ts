import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer, PeerKeys } from './peer.ts';

/**
 * Debian's Mosquitto as it comes: mutual TLS, QoS 1, nothing synced before the PUBACK. The floor of what a broker in C
 * needs for the same load; not durable, so not a like-for-like rival.
 */
export async function startMosquitto(keys: PeerKeys, folder: string): Promise<Peer | undefined> {
  const binary = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) => existsSync(path));
  if (binary === undefined) return undefined;
  const port = 18_883;
  const config = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    `cafile ${keys.caFile}`,
    `certfile ${keys.certFile}`,
    `keyfile ${keys.keyFile}`,
    'require_certificate true',
    'use_identity_as_username true',
    'tls_version tlsv1.3',
    'allow_anonymous false',
    'persistence false',
    'set_tcp_nodelay true',
    'max_inflight_messages 0',
    'log_dest none',
    'user root',
  ];
  writeFileSync(config, lines.join('\n'));
  const child = spawn(binary, ['-c', config], { stdio: 'ignore' });
  await sleep(500);
  if (child.pid === undefined || child.exitCode !== null) throw new Error('mosquitto did not start');
  return {
    name: 'Mosquitto 2 (Debian)',
    durable: false,
    port,
    pid: child.pid,
    stop: () => new Promise((resolve) => child.once('exit', () => resolve()).kill('SIGTERM')),
  };
}
