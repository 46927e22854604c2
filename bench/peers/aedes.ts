import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer, PeerKeys } from './peer.ts';

/** aedes, the broker library most Node programs use: bare, in memory, or holding the PUBACK until our log has synced. */
export async function startAedes(keys: PeerKeys, folder: string, durable: boolean): Promise<Peer> {
  const script = fileURLToPath(new URL('./aedes-server.ts', import.meta.url));
  const args = [script, keys.caFile, keys.certFile, keys.keyFile, ...(durable ? [join(folder, 'aedes-log')] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
    child.once('exit', (code) => reject(new Error(`aedes ended with ${code}`)));
  });
  return {
    name: durable ? 'aedes 1.2 + our log' : 'aedes 1.2, in memory',
    durable,
    port,
    pid: child.pid ?? 0,
    stop: () => new Promise((resolve) => child.once('exit', () => resolve()).kill('SIGTERM')),
  };
}
