import { loggerOf } from '../../base/log.ts';
import type { LogFields, Logger, LogLevel } from '../../base/log.ts';
import { encodeLogLine } from '../../codec/log-line.ts';
import { LogPump } from './log-pump.ts';
import type { LogOutput } from './log-output.ts';
import { RecordRing } from './record-ring.ts';

/** Records that may wait to be written (design, "Logs"). */
export const LOG_RING_BYTES = 256 << 10;

/** From the most to the least urgent; a record passes when its place is not behind that of the level set. */
const LEVELS: readonly LogLevel[] = ['CRIT', 'ERRO', 'WARN', 'INFO', 'DEBG', 'TRCE'];

/** The agent's log: a logger, and the handles that its owner needs. */
export interface AgentLog extends Logger {
  /** Changes which records pass, once the settings are known. */
  setLevel(level: LogLevel): void;
  /** Where records go from now on; undefined lets them wait. */
  setOutput(output: LogOutput | undefined): void;
  /** Shows every record that passes to `tail` too, once there is one. */
  setTail(tail: { push(record: Uint8Array): void }): void;
  /** Writes what can be written now: last thing before the program ends or executes itself again. */
  flush(): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly pid: number;
  readonly now: () => { readonly sec: bigint; readonly nsec: number };
  readonly subsystem?: string;
  readonly ringBytes?: number;
}

/**
 * Makes the agent's log in Kata's form (contract section 5). Records wait in a ring until the output takes them; nothing here
 * ever blocks, and the oldest records are dropped when nobody reads.
 *
 * Callers never log environment variables, annotations or file contents.
 */
export function createLogger(options: LoggerOptions): AgentLog {
  const ring = new RecordRing(options.ringBytes ?? LOG_RING_BYTES);
  let tail: { push(record: Uint8Array): void } | undefined;
  let threshold = LEVELS.indexOf(options.level);
  const append = (subsystem: string, level: LogLevel, msg: string, fields: LogFields | undefined): void => {
    const record = encodeLogLine({ level, msg, time: options.now(), subsystem, pid: options.pid, fields });
    ring.push(record);
    tail?.push(record);
  };
  const pump = new LogPump(ring, (count) => append('root', 'ERRO', 'log records were dropped', { count }));
  const loggerFor = (subsystem: string): Logger => {
    const log = (level: LogLevel, msg: string, fields?: LogFields): void => {
      if (LEVELS.indexOf(level) > threshold) return;
      append(subsystem, level, msg, fields);
      pump.pump();
    };
    return loggerOf(log, loggerFor);
  };
  return {
    ...loggerFor(options.subsystem ?? 'root'),
    setLevel: (level) => {
      threshold = LEVELS.indexOf(level);
    },
    setOutput: (output) => pump.setOutput(output),
    setTail: (wanted) => {
      tail = wanted;
    },
    flush: () => pump.pump(),
  };
}
