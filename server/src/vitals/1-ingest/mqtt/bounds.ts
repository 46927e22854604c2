/** Every bound of the endpoint. Each protects the others from one: reaching it costs the one that reached it. */
export interface MqttBounds {
  readonly connectionsMax: number;
  readonly connectionsPerDeviceMax: number;
  readonly handshakesMax: number;
  readonly handshakesWaitingMax: number;
  readonly handshakeTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly connectsPerMinuteMax: number;
  readonly connectsBurstMax: number;
  readonly lingerMs: number;
  readonly packetBytesMax: number;
  readonly connectBytesMax: number;
  readonly inFlightMax: number;
  readonly unreleasedMax: number;
  readonly unackedBytesMax: number;
  readonly packetsPerSecondMax: number;
  readonly packetsBurstMax: number;
  readonly unsentBytesMax: number;
  readonly topicAliasMax: number;
  readonly keepAliveMaxSeconds: number;
  readonly sessionExpiryMaxSeconds: number;
  readonly offlineSessionsMax: number;
  readonly willDelayMaxSeconds: number;
  readonly outgoingInFlightMax: number;
  readonly commandsQueuedMax: number;
  readonly commandExpiryMs: number;
  readonly commandBytesMax: number;
  readonly retryHoldMaxMs: number;
  readonly recheckEveryMs: number;
  readonly drainMs: number;
  readonly ticketLifetimeSeconds: number;
}

export const defaultMqttBounds: MqttBounds = {
  /** The target is 10,000 devices; half as many again while a network's worth of them reconnects before the old ones time out. */
  connectionsMax: 15_000,
  /** A device is one client; the rest is room for its maker's second process and for a connection that is dying. */
  connectionsPerDeviceMax: 4,
  /** About 1.2 ms of CPU each: more at once would only finish later, and stall the readings between them. */
  handshakesMax: 256,
  /** A ward network coming back brings everyone at once; one accepted, idle TCP socket is a few KiB. */
  handshakesWaitingMax: 12_000,
  /** A handshake is two round trips; ten seconds forgive a bad radio link, and free the place of a stranger who stalls. */
  handshakeTimeoutMs: 10_000,
  /** CONNECT is the client's first packet and needs nothing from us. */
  connectTimeoutMs: 10_000,
  /**
   * A handshake costs as much as forty readings, and a device that reconnects in a loop is the commonest of all faults:
   * after the burst it gets its CONNACK no more often than this, and waits meanwhile.
   */
  connectsPerMinuteMax: 12,
  connectsBurstMax: 10,
  /** How long a client we have taken leave of may take to read it and close. */
  lingerMs: 2_000,
  /** A reading is 300 bytes, a vendor's JSON a few KiB. */
  packetBytesMax: 64 * 1024,
  /** Client id, will, properties: nothing in CONNECT is large. */
  connectBytesMax: 16 * 1024,
  /** Receive Maximum. At 100 ms round trip still 640 readings a second from one device catching up. */
  inFlightMax: 64,
  /** QoS 2 messages of a 3.1.1 client that it has not released; v5 is held to `inFlightMax`. */
  unreleasedMax: 1_024,
  /** Payload held in memory for the log, all devices together: a second of 30,000 readings, many times over. */
  unackedBytesMax: 64 * 1024 * 1024,
  /**
   * A bedside monitor sends one reading a second; this lets it catch up an hour in under a minute. A large packet counts
   * as several (`workOf`).
   */
  packetsPerSecondMax: 100,
  packetsBurstMax: 200,
  /** Acknowledgements are 4 bytes: whoever leaves this much unread has stopped reading. */
  unsentBytesMax: 256 * 1024,
  /** There is one topic to publish to; a few more for clients that assign aliases in turn. */
  topicAliasMax: 4,
  /** A silent device must be noticed: v5 clients are told to ping at least this often. */
  keepAliveMaxSeconds: 300,
  /** Beyond a day away, a device subscribes again. */
  sessionExpiryMaxSeconds: 86_400,
  /** Sessions waiting for their client, about 1 KiB each; the one waiting longest gives way. */
  offlineSessionsMax: 20_000,
  /** A will must not hide a lost device for long. */
  willDelayMaxSeconds: 30,
  /** Commands under way to one client, if its own Receive Maximum is not smaller. */
  outgoingInFlightMax: 16,
  /** Commands waiting for one client. */
  commandsQueuedMax: 32,
  /** An order that reaches a medical device later than this is no longer meant. */
  commandExpiryMs: 5 * 60_000,
  commandBytesMax: 32 * 1024,
  /** When nothing can be stored, the client is sent away only after this long, so that ten thousand do not reconnect at once. */
  retryHoldMaxMs: 5_000,
  /** Revocation must take effect on open connections within 5 s, even if nobody calls `recheck`. */
  recheckEveryMs: 2_000,
  /** How long a stop waits for acknowledgements under way; a group commit takes milliseconds. */
  drainMs: 5_000,
  /** How long a device may resume without a full handshake. Access is asked at every CONNECT all the same. */
  ticketLifetimeSeconds: 3_600,
};
