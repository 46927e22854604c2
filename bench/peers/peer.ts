/** An MQTT server to be put under the same load. */
export interface Peer {
  readonly name: string;
  /** On stable storage before the PUBACK? Durable and non-durable figures are never compared. */
  readonly durable: boolean;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** PEM files: the devices' CA, and a server certificate that devices trust. */
export interface PeerKeys {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}
