/** One device's connection, as far as the main thread has it. What is asked of it happens soon, and in order. */
export interface DeviceSocket {
  readonly remoteAddress: string | undefined;
  /** The first `length` bytes, or all, are copied. */
  write(bytes: Buffer, length?: number): void;
  /** The last words; then it waits for the device to close. */
  end(words?: Buffer): void;
  destroy(): void;
  pause(): void;
  resume(): void;
}
