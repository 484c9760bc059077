import { decodeUtf8, encodeBytes } from '../../base/text.ts';
import { DbusError } from './dbus-error.ts';

/** Bytes that need no escape in a value ("Server Addresses"); `*` and others are taken as well when they come. */
const plain = /^[-0-9A-Za-z_/.\\*]$/;

function unescape(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '%') {
      bytes.push(...encodeBytes(text[at] ?? ''));
      continue;
    }
    const digits = text.slice(at + 1, at + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) throw new DbusError(`address: escape %${digits}`);
    bytes.push(parseInt(digits, 16));
    at += 2;
  }
  const value = decodeUtf8(Uint8Array.from(bytes));
  if (value === undefined || value.includes('\0')) throw new DbusError('address: a value that is no text');
  return value;
}

/** The address of a socket file. */
export function formatUnixAddress(path: string): string {
  const escape = (byte: number): string => `%${byte.toString(16).padStart(2, '0')}`;
  const value = [...encodeBytes(path)].map((byte) => {
    const char = String.fromCharCode(byte);
    return plain.test(char) ? char : escape(byte);
  });
  return `unix:path=${value.join('')}`;
}

/**
 * The Unix sockets of a list of server addresses such as `unix:path=/run/dbus/system_bus_socket,guid=...`, in order; an abstract
 * one as `@name`. Transports that are not of this machine are passed over. Throws DbusError.
 */
export function unixSocketsOf(addresses: string): readonly string[] {
  return addresses.split(';').flatMap((address) => {
    const colon = address.indexOf(':');
    if (address.trim() === '' || address.slice(0, colon) !== 'unix') return [];
    const values = new Map<string, string>();
    for (const pair of address.slice(colon + 1).split(',')) {
      const equals = pair.indexOf('=');
      if (equals > 0) values.set(pair.slice(0, equals), unescape(pair.slice(equals + 1)));
    }
    const path = values.get('path');
    const abstract = values.get('abstract');
    return path !== undefined ? [path] : abstract !== undefined ? [`@${abstract}`] : [];
  });
}
