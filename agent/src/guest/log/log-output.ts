/** Somewhere that log bytes go, without ever waiting. */
export interface LogOutput {
  /** Bytes taken, or a negative number: -1 for "full, call `onWritable` later", -2 for "gone for good". */
  tryWrite(bytes: Uint8Array): number;
  /** Calls back once when more can be written. */
  onWritable(callback: () => void): void;
}

/** An output that takes nothing now. */
export const OUTPUT_FULL = -1;
/** An output that will never take anything again. */
export const OUTPUT_GONE = -2;
