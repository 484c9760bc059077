import { assertNever } from '../../base/assert-never.ts';

/** How the text of an option is read (contract 3.2, "Type rules"). */
export type OptionRule =
  /** The bare word; `=anything` is ignored. */
  | { readonly kind: 'flag' }
  /** `true` or `false`, else an unsigned integer of which non-zero is true, else false; never an error. */
  | { readonly kind: 'bool'; readonly bareWord?: true }
  /** Exactly `true` or `false`. */
  | { readonly kind: 'strictBool' }
  /** Whole seconds; 0 keeps the default. */
  | { readonly kind: 'seconds' }
  /** A signed 32-bit port; zero and below keep the default. */
  | { readonly kind: 'port' }
  | { readonly kind: 'integer'; readonly min: bigint; readonly max: bigint }
  /** Any text but the empty one; may contain `=`. */
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly values: readonly string[] };

/** What a rule makes of a text. */
export type OptionReading =
  | { readonly kind: 'value'; readonly value: OptionValue }
  /** Known, well-formed and without effect. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'bad'; readonly reason: string };

export type OptionValue = string | boolean | bigint;

const ignored: OptionReading = { kind: 'ignored' };
const valueOf = (value: OptionValue): OptionReading => ({ kind: 'value', value });
const bad = (reason: string): OptionReading => ({ kind: 'bad', reason });

const I32_MAX = 0x7fffffffn;
const I32_MIN = -0x80000000n;
const U64_MAX = 0xffffffffffffffffn;

/** A decimal integer with an optional sign, of at most 20 digits (so that no input costs time), or undefined. */
function parseInteger(text: string): bigint | undefined {
  return /^[+-]?\d{1,20}$/.test(text) ? BigInt(text.startsWith('+') ? text.slice(1) : text) : undefined;
}

function readInteger(value: bigint | undefined, min: bigint, max: bigint): OptionReading {
  if (value === undefined) return bad('is not an integer');
  return value < min || value > max ? bad(`is not between ${min} and ${max}`) : valueOf(value);
}

/** Reads the value of a kernel command line word; `text` is undefined for a bare word (no `=`). */
export function readOptionText(rule: OptionRule, text: string | undefined): OptionReading {
  if (rule.kind === 'flag') return text === undefined ? valueOf(true) : ignored;
  if (text === undefined) return rule.kind === 'bool' && rule.bareWord === true ? valueOf(true) : ignored;
  switch (rule.kind) {
    case 'bool': {
      const number = parseInteger(text);
      return valueOf(text === 'true' || (number !== undefined && number > 0n && number <= U64_MAX));
    }
    case 'strictBool':
      return text === 'true' || text === 'false' ? valueOf(text === 'true') : bad('is not true or false');
    case 'seconds': {
      const reading = readInteger(parseInteger(text), 0n, U64_MAX);
      return reading.kind === 'value' && reading.value === 0n ? ignored : reading;
    }
    case 'port': {
      const reading = readInteger(parseInteger(text), I32_MIN, I32_MAX);
      return reading.kind === 'value' && (reading.value as bigint) <= 0n ? ignored : reading;
    }
    case 'integer':
      return readInteger(parseInteger(text), rule.min, rule.max);
    case 'text':
      return text === '' ? bad('is empty') : valueOf(text);
    case 'choice':
      return rule.values.includes(text) ? valueOf(text) : bad(`is not one of ${rule.values.join(', ')}`);
    default:
      return assertNever(rule);
  }
}

/** Reads a duration, which the file gives as a table `{ secs, nanos }`; the value is in whole seconds, rounded up. */
function readDuration(value: unknown): OptionReading {
  if (typeof value !== 'object' || value === null) return bad('is not a table with secs and nanos');
  const { secs, nanos } = value as { secs?: unknown; nanos?: unknown };
  const whole = toBigInt(secs);
  const part = toBigInt(nanos);
  if (whole === undefined || part === undefined || whole < 0n || part < 0n) {
    return bad('is not a table with secs and nanos');
  }
  return valueOf(whole + (part + 999_999_999n) / 1_000_000_000n);
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** Reads the value of a key of the configuration file. Its guards are weaker: 0 does not mean "the default" here. */
export function readOptionToml(rule: OptionRule, value: unknown): OptionReading {
  switch (rule.kind) {
    case 'flag':
    case 'bool':
    case 'strictBool':
      return typeof value === 'boolean' ? valueOf(value) : bad('is not true or false');
    case 'seconds':
      return readDuration(value);
    case 'port':
      return readInteger(toBigInt(value), I32_MIN, I32_MAX);
    case 'integer':
      return readInteger(toBigInt(value), rule.min, rule.max);
    case 'text':
    case 'choice':
      return typeof value === 'string' ? readOptionText(rule, value) : bad('is not a string');
    default:
      return assertNever(rule);
  }
}
