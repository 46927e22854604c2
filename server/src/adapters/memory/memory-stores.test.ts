import { alarmStoreContract } from '../../ports/alarm-store.contract.ts';
import { checkpointsContract } from '../../ports/checkpoints.contract.ts';
import { outboxContract } from '../../ports/outbox.contract.ts';
import { MemoryAlarmStore } from './memory-alarm-store.ts';
import { MemoryCheckpoints } from './memory-checkpoints.ts';
import { MemoryOutbox } from './memory-outbox.ts';

alarmStoreContract('memory', async ({ now }) => {
  const store = new MemoryAlarmStore({ now });
  return {
    alarms: store,
    outbox: new MemoryOutbox(store),
    place: async (id, place) => void store.places.set(id, place),
  };
});
outboxContract('memory', async () => {
  const alarms = new MemoryAlarmStore();
  return { alarms, outbox: new MemoryOutbox(alarms) };
});
checkpointsContract('memory', async () => new MemoryCheckpoints());
