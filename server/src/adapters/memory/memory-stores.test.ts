import { alarmStoreContract } from '../../ports/alarm-store.contract.ts';
import { checkpointsContract } from '../../ports/checkpoints.contract.ts';
import { MemoryAlarmStore } from './memory-alarm-store.ts';
import { MemoryCheckpoints } from './memory-checkpoints.ts';

alarmStoreContract('memory', async ({ now }) => {
  const store = new MemoryAlarmStore({ now });
  return { alarms: store, outbox: store, place: async (id, place) => void store.places.set(id, place) };
});
checkpointsContract('memory', async () => new MemoryCheckpoints());
