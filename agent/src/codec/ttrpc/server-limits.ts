/** What one connection may make the server hold. */
export interface ServerLimits {
  /** Calls without an answer; a further one is refused. Each costs about 2 KB on the engine. */
  readonly maxCalls: number;
  /** Bytes of unanswered requests up to 64 KiB each; larger ones are counted by the shared frame budget. */
  readonly maxRequestBytes: number;
  /** Bytes of queued answers at which the connection stops taking requests until the peer reads. */
  readonly pauseOutputBytes: number;
  /** Frames of queued answers at which it stops, too (upstream's queue holds 100). */
  readonly pauseOutputFrames: number;
  /** Bytes of queued answers at which a further answer is replaced by a status, so that calls already running cannot fill the memory. */
  readonly maxOutputBytes: number;
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  maxCalls: 2048,
  maxRequestBytes: 8 << 20,
  pauseOutputBytes: 1 << 20,
  pauseOutputFrames: 100,
  maxOutputBytes: 8 << 20,
};
