import { decodeUtf8, encodeBytes } from '../../base/text.ts';
import { spendCreated, spendText } from '../fuel.ts';
import { fromJson } from '../value/from-json.ts';
import { toJsonText } from '../value/to-text.ts';
import type { Value } from '../value/value.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Base64Alphabet } from './base64.ts';
import { builtin } from './builtin.ts';
import type { Builtin, BuiltinTable } from './builtin.ts';

/** What a unit of text costs here, where the bytes go through our own loops. */
const STEPS_SHIFT = 4;

function ofText(run: (text: string) => Value | undefined): Builtin {
  return builtin(1, (text) => {
    if (typeof text !== 'string') return undefined;
    spendText(text.length << STEPS_SHIFT);
    spendCreated(text.length);
    return run(text);
  });
}

function encoded(alphabet: Base64Alphabet, isPadded: boolean): Builtin {
  return ofText((text) => encodeBase64(encodeBytes(text), alphabet, isPadded));
}

function decoded(text: string, alphabet: Base64Alphabet, isPadded: boolean): Value | undefined {
  const bytes = decodeBase64(text, alphabet, isPadded);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

function parseJson(text: string): Value | undefined {
  try {
    return fromJson(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function decodeHex(text: string): Value | undefined {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length >> 1);
  for (let index = 0; index < bytes.length; index++) bytes[index] = parseInt(text.slice(2 * index, 2 * index + 2), 16);
  return decodeUtf8(bytes);
}

export const encodingBuiltins: BuiltinTable = {
  'base64.encode': encoded('standard', true),
  'base64.decode': ofText((text) => decoded(text, 'standard', true)),
  'base64.is_valid': ofText((text) => decodeBase64(text, 'standard', true) !== undefined),
  'base64url.encode': encoded('url', true),
  'base64url.encode_no_pad': encoded('url', false),
  'base64url.decode': ofText((text) => decoded(text, 'url', text.endsWith('='))),
  'hex.encode': ofText((text) => [...encodeBytes(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('')),
  'hex.decode': ofText(decodeHex),
  'json.marshal': builtin(1, (value) => {
    const text = toJsonText(value);
    spendText(text.length << STEPS_SHIFT);
    spendCreated(text.length);
    return text;
  }),
  'json.unmarshal': ofText(parseJson),
  'json.is_valid': builtin(1, (text) => typeof text === 'string' && parseJson(text) !== undefined),
};
