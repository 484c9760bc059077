/** Severity names of Kata's JSON log lines (`logging` contract, section 5). */
export type LogLevel = 'CRIT' | 'ERRO' | 'WARN' | 'INFO' | 'DEBG' | 'TRCE';

/** Extra keys of a record; every value is written as a string. */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean>>;

/** Where log records go. `child` returns a logger for a subsystem. */
export interface Logger {
  log(level: LogLevel, msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  debug(msg: string, fields?: LogFields): void;
  child(subsystem: string): Logger;
}

/** A logger whose records all go through `log`. */
export function loggerOf(log: Logger['log'], child: Logger['child']): Logger {
  return {
    log,
    error: (msg, fields) => log('ERRO', msg, fields),
    warn: (msg, fields) => log('WARN', msg, fields),
    info: (msg, fields) => log('INFO', msg, fields),
    debug: (msg, fields) => log('DEBG', msg, fields),
    child,
  };
}

/** A logger that drops everything, for tests and defaults. */
export const silentLogger: Logger = {
  log: () => undefined,
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};
