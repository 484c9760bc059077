export type LogFormat = 'text' | 'json';
export type Severity = 'debug' | 'info' | 'warning' | 'error';

/** One line as runc's log has it; containerd reads the last error of the JSON form. */
export function formatLogLine(format: LogFormat, level: Severity, message: string, time: string): string {
  return format === 'json'
    ? `${JSON.stringify({ level, msg: message, time })}\n`
    : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}\n`;
}
