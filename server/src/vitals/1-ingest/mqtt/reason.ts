/** MQTT 5 reason codes (section 2.4) that this endpoint sends. */
export const Reason = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  unsupportedVersion: 0x84,
  clientIdInvalid: 0x85,
  notAuthorized: 0x87,
  serverBusy: 0x89,
  shuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdInUse: 0x91,
  packetIdNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  sharedSubscriptionsUnsupported: 0x9e,
  subscriptionIdsUnsupported: 0xa1,
  wildcardsUnsupported: 0xa2,
} as const;

/** The CONNACK return code of 3.1.1 (table 3.1) for a refusal; none: close without a word. */
export function connackCodeV3(reason: number): number | undefined {
  switch (reason) {
    case Reason.unsupportedVersion:
      return 0x01;
    case Reason.clientIdInvalid:
      return 0x02;
    case Reason.serverBusy:
    case Reason.shuttingDown:
    case Reason.quotaExceeded:
      return 0x03;
    case Reason.notAuthorized:
      return 0x05;
    default:
      return undefined;
  }
}
