/**
 * Whether an answer could be queued now. Bytes of a pipe and events of a queue cannot be put back, so they are taken only
 * while the gate of the call that asked is open (design, "Deadlines and disconnects").
 */
export interface DeliveryGate {
  readonly canReply: boolean;
  /** Calls back once when `canReply` may have become true; returns the function that unregisters. */
  onceWritable(listener: () => void): () => void;
}

/** For callers that take everything at once. */
export const openGate: DeliveryGate = { canReply: true, onceWritable: () => () => undefined };
