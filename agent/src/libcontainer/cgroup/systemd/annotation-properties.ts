import { invalidArgument } from '../../../base/errors.ts';
import { DbusError } from '../../../codec/dbus/dbus-error.ts';
import { parseValueText } from '../../../codec/dbus/value-text.ts';
import type { Variant } from '../../../codec/dbus/value.ts';
import type { UnitProperties } from './unit-properties.ts';

const keyPrefix = 'org.systemd.property.';
const microsecondsPerSecond = 1_000_000;

/** On the bus times are counted in microseconds, under another name. */
function toMicroseconds({ value }: Variant, field: string): Variant {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isFinite(value))) {
    throw invalidArgument(field, 'a time is a number of seconds');
  }
  const scaled =
    typeof value === 'bigint'
      ? value * BigInt(microsecondsPerSecond)
      : BigInt(Math.trunc(value * microsecondsPerSecond));
  if (scaled < 0n || BigInt.asUintN(64, scaled) !== scaled) throw invalidArgument(field, 'is no time');
  return { signature: 't', value: scaled };
}

/**
 * Properties that annotations ask for, as runc reads them: `org.systemd.property.<Name>` with a value in GVariant's text format;
 * `<Name>Sec` in seconds becomes `<Name>USec`. Throws `invalid_argument`.
 */
export function annotationProperties(annotations: ReadonlyMap<string, string>): UnitProperties {
  const properties = new Map<string, Variant>();
  for (const [key, text] of annotations) {
    if (!key.startsWith(keyPrefix)) continue;
    const field = `annotations[${key}]`;
    const name = key.slice(keyPrefix.length);
    if (!/^[A-Za-z]{3,}$/.test(name)) throw invalidArgument(field, 'names no property');
    let value: Variant;
    try {
      value = parseValueText(text);
    } catch (error) {
      if (!(error instanceof DbusError)) throw error;
      throw invalidArgument(field, error.message);
    }
    if (/[a-z]Sec$/.test(name)) properties.set(`${name.slice(0, -'Sec'.length)}USec`, toMicroseconds(value, field));
    else properties.set(name, value);
  }
  return properties;
}
