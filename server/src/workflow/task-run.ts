/** A task that was begun here. Its signal is made when somebody asks for it: most tasks are over before that. */
export class TaskRun {
  isDone = false;
  isStopped = false;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isStopped) this.#controller.abort();
    return this.#controller.signal;
  }

  stop(): void {
    if (this.isDone || this.isStopped) return;
    this.isStopped = true;
    this.#controller?.abort();
  }
}
