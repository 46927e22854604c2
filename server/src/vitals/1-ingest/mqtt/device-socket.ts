/** One device's connection, as far as the main thread has it. What is asked of it happens soon, and in order. */
export interface DeviceSocket {
  readonly remoteAddress: string | undefined;
  /** The bytes are copied. */
  write(bytes: Uint8Array): void;
  /** The last words; then it waits for the device to close. */
  end(words?: Uint8Array): void;
  destroy(): void;
  pause(): void;
  resume(): void;
}
