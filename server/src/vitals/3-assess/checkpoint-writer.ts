import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AssessState } from '../../domain/assess-state.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import type { ReadingLog } from '../../ports/reading-log.ts';
import { type Partition, writeStates } from './patients.ts';

/**
 * Saves where judging stands, one partition after the other. The order is what keeps alarms from being lost: first every
 * transition the states know of is stored, then the checkpoint, and only then may the log forget.
 */
export interface CheckpointWriter {
  /** Saves the next partition that changed. */
  saveNext(): Promise<void>;
  saveAll(): Promise<void>;
}

export function checkpointWriter(dependencies: {
  readonly partitions: readonly Partition[];
  readonly checkpoints: Checkpoints;
  readonly log: ReadingLog;
  readonly group: string;
  /** Resolves once every transition handed on until now is stored. */
  readonly settled: () => Promise<void>;
  /** May this patient be forgotten: nothing worn, nothing present, unheard for long? */
  readonly isForgettable: (state: AssessState) => boolean;
  readonly onForgotten: (state: AssessState) => void;
}): CheckpointWriter {
  const { partitions, checkpoints, log, group, settled, isForgettable, onForgotten } = dependencies;
  let turn = 0;

  async function save(partition: Partition): Promise<void> {
    for (const [patientId, state] of partition.states)
      if (isForgettable(state)) {
        partition.states.delete(patientId);
        onForgotten(state);
      }
    const { next } = partition;
    const states = [...partition.states.values()];
    partition.isDirty = false;
    try {
      const state = await writeStates(states, nextTurn);
      // After writing: a patient may have been judged further while it was written.
      await settled();
      await checkpoints.save({ partition: partition.number, next, state });
      await log.commit(group, new Map([[partition.number, next]]));
    } catch (error) {
      partition.isDirty = true;
      throw error;
    }
  }

  return {
    async saveNext() {
      for (let tried = 0; tried < partitions.length; tried++) {
        const partition = partitions[turn++ % partitions.length];
        if (partition?.isDirty) return save(partition);
      }
    },
    async saveAll() {
      for (const partition of partitions) if (partition.isDirty) await save(partition);
    },
  };
}
