/**
 * The web app with a ward that is played, to be looked at: every state once, and no patient real.
 *
 *   node scripts/show-ward.ts [beds] [port] [role]
 */

import { actionsOf } from '../test/e2e/web-roles.ts';
import { startMockServer } from '../web/dev/mock-server.ts';

const [, , beds = '40', port = '0', role = 'physician'] = process.argv;
const mock = await startMockServer({
  beds: Number(beds),
  port: Number(port),
  signedIn: role as 'physician',
  actionsOf,
});
mock.ward.showEverything(Date.now());
process.stdout.write(`${mock.url}\n`);
