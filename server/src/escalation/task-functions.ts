import type { TaskHandlers } from '../workflow/task-handler.ts';
import { type CloseTaskParts, createCloseTask } from './close-task.ts';
import type { ESCALATION_FUNCTIONS } from './definition-files.ts';
import { createRereadTask, type RereadTaskParts } from './reread-task.ts';
import { createTellTask, type TellTaskParts } from './tell-task.ts';

/** What the definitions of escalation invoke, by name. */
export function escalationFunctions(parts: TellTaskParts & RereadTaskParts & CloseTaskParts): TaskHandlers {
  return {
    'escalation-tell': createTellTask(parts),
    'escalation-reread': createRereadTask(parts),
    'escalation-close': createCloseTask(parts),
  } satisfies Record<(typeof ESCALATION_FUNCTIONS)[number], unknown>;
}
