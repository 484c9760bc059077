import type { AbortSignal } from '../base/abort.ts';
import type { DeliveryGate } from './delivery-gate.ts';

/** What a process reads. */
export interface ProcessInput {
  /** Settles when every byte was taken. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Ends the input after what was written. Again: nothing. */
  end(): void;
  /** Closes at once. */
  close(): void;
}

/** Who reads: whether the bytes would be taken now, and when they are no longer wanted. */
export interface StreamReader extends DeliveryGate {
  readonly signal: AbortSignal;
}

/** What a process writes. */
export interface ProcessOutput {
  /** At least one byte and at most `length`, without a promise when they are there; empty at the end of the stream. */
  read(length: number, reader: StreamReader): Promise<Uint8Array> | Uint8Array;
  /** The process has died; others may still hold the stream. */
  processExited(): void;
  /** Ends everything that waits, and closes. */
  close(): void;
}

/** Vsock ports of the host's ends of connections that are to be a process's streams; 0 is none (lifecycle section 6). */
export interface StdioPorts {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}
