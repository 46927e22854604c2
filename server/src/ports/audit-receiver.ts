/** A security system that follows the audit log. */
export interface AuditReceiver {
  /**
   * Sends these frames over one connection, and resolves only when the receiver has taken all of them: it has answered
   * the end of the connection. Rejects otherwise; then all of them are sent again.
   */
  deliver(frames: readonly Buffer[]): Promise<void>;
}
