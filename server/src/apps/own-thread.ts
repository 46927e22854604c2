import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

/** For a worker's script: how it says what it has to say. Unless somebody waits for it, whoever hears the devices goes first. */
export function ownThread<Message>({ isUrgent = false } = {}): (message: Message) => void {
  const port = parentPort;
  if (port === null) throw new Error('this runs in a thread of its own');
  try {
    // On Linux a thread has a priority of its own.
    if (!isUrgent && process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
  } catch {
    // Not allowed here: it goes on as it is.
  }
  return (message) => port.postMessage(message);
}
