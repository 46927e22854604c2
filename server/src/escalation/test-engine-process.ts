import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import { openTestWard, QUICK } from './test-ward.ts';

/** A process of its own that runs escalations, to be killed: `node test-engine-process.ts <address as JSON> <worker>`. */
const [, , address = '', worker = ''] = process.argv;
const database = connect(JSON.parse(address) as DatabaseAddress, { connectionsMax: 4 });
const ward = await openTestWard(database, new Listener(database), { times: QUICK, seed: false });
await ward.startEngine(worker);
process.stdout.write('running\n');
