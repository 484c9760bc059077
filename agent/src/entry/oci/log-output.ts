import { O_APPEND, O_CREAT, O_WRONLY } from '../../abi/constants.ts';
import { loggerOf } from '../../base/log.ts';
import type { LogFields, Logger, LogLevel } from '../../base/log.ts';
import { encodeBytes } from '../../base/text.ts';
import { formatTimestamp } from '../../runtime/timestamp.ts';
import { open, writeAll } from '../../sys/file.ts';
import { wallClock } from '../../sys/system.ts';
import { formatLogLine } from './log-line.ts';
import type { LogFormat, Severity } from './log-line.ts';
import { complain } from './output.ts';

const severities: Readonly<Record<LogLevel, Severity>> = {
  CRIT: 'error',
  ERRO: 'error',
  WARN: 'warning',
  INFO: 'info',
  DEBG: 'debug',
  TRCE: 'debug',
};

/** Messages of one command: to the file of `--log`, if there is one, and to standard error. */
export class LogOutput {
  readonly #file: string | undefined;
  readonly #format: LogFormat;
  readonly #isVerbose: boolean;

  constructor(file: string | undefined, format: LogFormat, isVerbose: boolean) {
    this.#file = file;
    this.#format = format;
    this.#isVerbose = isVerbose;
  }

  /** `plain` is what people read on standard error; `message` goes into the log. */
  write(level: Severity, message: string, plain = `kihon-oci: ${message}`): void {
    if (!this.#isVerbose && (level === 'debug' || level === 'info')) return;
    const isJsonOnly = this.#file === undefined && this.#format === 'json';
    const { sec, nsec } = wallClock();
    const line = formatLogLine(this.#format, level, message, formatTimestamp({ sec, nsec }));
    if (this.#file !== undefined) this.#append(this.#file, line);
    // Warnings of a runtime with a log belong there: standard error may be the container's.
    if (this.#file === undefined || level === 'error') complain(isJsonOnly ? line : `${plain}\n`);
  }

  #append(file: string, line: string): void {
    try {
      using fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0o644);
      writeAll(fd, encodeBytes(line));
    } catch (error) {
      complain(`kihon-oci: cannot write the log: ${error instanceof Error ? error.message : 'out of memory'}\n`);
    }
  }

  /** For the layers below. */
  logger(subsystem = ''): Logger {
    const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
      const parts = Object.entries(fields).map(([key, value]) => `${key}=${String(value)}`);
      this.write(severities[level], [subsystem === '' ? message : `${subsystem}: ${message}`, ...parts].join(' '));
    };
    return loggerOf(log, (name) => this.logger(name));
  }
}
