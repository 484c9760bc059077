import { isInteger, isNumber } from '../value/number.ts';
import { toDisplayText, toTermText } from '../value/to-text.ts';
import { typeName } from '../value/value.ts';
import type { Value } from '../value/value.ts';

/** Widths and precisions beyond this are cut; they would only make blanks. */
const MAX_WIDTH = 1000;
const VERB = /%([-+# 0]*)(\d*)(?:\.(\d*))?([a-zA-Z%])/g;

/** `sprintf` of the language, which has the verbs of Go's: enough of them for messages. */
export function formatText(format: string, values: readonly Value[]): string {
  let next = 0;
  const text = format.replace(VERB, (...groups: string[]) => {
    const [, flags = '', width = '', precision, verb = ''] = groups;
    if (verb === '%') return '%';
    const value = values[next++];
    if (value === undefined) return `%!${verb}(MISSING)`;
    const body = formatOne(verb, value, flags, precision === undefined ? undefined : Number(precision));
    return padded(body, flags, Math.min(Number(width), MAX_WIDTH));
  });
  if (next >= values.length) return text;
  const extra = values.slice(next).map((value) => `${goTypeName(value)}=${toDisplayText(value)}`);
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

function goTypeName(value: Value): string {
  if (isNumber(value)) return isInteger(value) ? 'int' : 'float64';
  return typeof value === 'string' ? 'string' : typeName(value);
}

function padded(body: string, flags: string, width: number): string {
  if (body.length >= width) return body;
  if (flags.includes('-')) return body.padEnd(width);
  if (!flags.includes('0')) return body.padStart(width);
  const sign = /^[+-]/.test(body) ? body.charAt(0) : '';
  return sign + body.slice(sign.length).padStart(width - sign.length, '0');
}

function formatOne(verb: string, value: Value, flags: string, precision: number | undefined): string {
  switch (verb) {
    case 'v':
      return toDisplayText(value);
    case 's': {
      const text = isNumber(value) ? wrong(verb, value) : toDisplayText(value);
      return precision === undefined ? text : Array.from(text).slice(0, precision).join('');
    }
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : toTermText(value);
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong(verb, value);
    case 'T':
      return goTypeName(value);
    default:
      return isNumber(value) ? formatNumber(verb, value, flags, precision) : wrong(verb, value);
  }
}

const RADIX: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16, c: 0 };

function formatNumber(verb: string, value: number | bigint, flags: string, precision: number | undefined): string {
  const sign = flags.includes('+') && value >= 0 ? '+' : '';
  const digits = Math.min(precision ?? 6, 100);
  const radix = Object.hasOwn(RADIX, verb) ? RADIX[verb] : undefined;
  if (radix !== undefined) {
    if (!isInteger(value)) return wrong(verb, value);
    if (radix === 0) return value >= 0 && value <= 0x10ffff ? String.fromCodePoint(Number(value)) : '\ufffd';
    const text = value.toString(radix);
    return sign + (verb === 'X' ? text.toUpperCase() : text);
  }
  switch (verb) {
    case 'f':
    case 'F':
      return sign + Number(value).toFixed(digits);
    case 'e':
    case 'E': {
      const text = Number(value)
        .toExponential(digits)
        .replace(/e([+-])(\d)$/, 'e$10$2');
      return sign + (verb === 'E' ? text.toUpperCase() : text);
    }
    case 'g':
    case 'G':
      return sign + (precision === undefined ? String(value) : String(Number(Number(value).toPrecision(digits || 1))));
    default:
      return wrong(verb, value);
  }
}

function wrong(verb: string, value: Value): string {
  return `%!${verb}(${goTypeName(value)}=${toDisplayText(value)})`;
}
