import type { LogFields, LogLevel } from '../base/log.ts';
import { encodeBytes } from '../base/text.ts';

/** A record of Kata's log (contract section 5). */
export interface LogRecord {
  readonly level: LogLevel;
  readonly msg: string;
  /** Wall-clock seconds and nanoseconds. */
  readonly time: { readonly sec: bigint; readonly nsec: number };
  readonly subsystem: string;
  readonly pid: number;
  readonly fields: LogFields | undefined;
}

/** Version of the log format, not of the agent. */
const FORMAT_VERSION = '0.1.0';

/** Longer texts are cut: a record must not push all others out. */
const MAX_TEXT_UNITS = 8192;

/** Keys of the frame, which a field replaces only by accident. */
const RESERVED = new Set(['msg', 'level', 'ts', 'version', 'pid', 'name', 'source']);

/** RFC 3339 in UTC with up to nine digits of fraction, trailing zeros dropped. */
export function formatTimestamp(time: LogRecord['time']): string {
  const seconds = new Date(Number(time.sec) * 1000).toISOString().slice(0, 19);
  const fraction = String(time.nsec).padStart(9, '0').replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** JSON text of a string that is well-formed whatever bytes it stands for: lone surrogates become U+FFFD. */
function quote(text: string): string {
  const cut = text.length > MAX_TEXT_UNITS ? `${text.slice(0, MAX_TEXT_UNITS)}...` : text;
  return JSON.stringify(cut.toWellFormed());
}

/**
 * One JSON object on one line. Every value is a string, as the host's log parser demands; `msg`, `level` and `ts` come first.
 * A field named like a key of the frame is left out, except `subsystem`, which it replaces.
 */
export function encodeLogLine(record: LogRecord): Uint8Array {
  const { fields } = record;
  let line = `{"msg":${quote(record.msg)},"level":"${record.level}","ts":"${formatTimestamp(record.time)}"`;
  line += `,"version":"${FORMAT_VERSION}","pid":"${record.pid}","name":"kata-agent","source":"agent"`;
  if (fields === undefined || !Object.hasOwn(fields, 'subsystem')) line += `,"subsystem":${quote(record.subsystem)}`;
  for (const key of Object.keys(fields ?? {})) {
    if (!RESERVED.has(key)) line += `,${quote(key)}:${quote(String(fields?.[key]))}`;
  }
  return encodeBytes(`${line}}\n`);
}
