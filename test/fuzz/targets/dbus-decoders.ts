/** Decoders of D-Bus: what a bus says, and the texts that name a bus and the properties of a unit. Pure, for Node and the engine. */
import { DomainError } from '../../../agent/src/base/errors.ts';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { unixSocketsOf } from '../../../agent/src/codec/dbus/address.ts';
import { DbusError } from '../../../agent/src/codec/dbus/dbus-error.ts';
import { ClientHandshake } from '../../../agent/src/codec/dbus/handshake.ts';
import { MessageStream } from '../../../agent/src/codec/dbus/message-stream.ts';
import { encodeMessage, type Message } from '../../../agent/src/codec/dbus/message.ts';
import { parseValueText } from '../../../agent/src/codec/dbus/value-text.ts';
import { unitPlaceOf } from '../../../agent/src/libcontainer/cgroup/systemd/unit-name.ts';
import type { Decoder } from '../support/decoder.ts';
import { hex, promise, promiseEqual } from '../support/decoder.ts';

const manager = { path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager', sender: ':1.7' };
const jobRemoved = encodeMessage({
  type: 'signal',
  serial: 5,
  ...manager,
  member: 'JobRemoved',
  signature: 'uoss',
  values: [7, '/org/freedesktop/systemd1/job/7', 'x.scope', 'done'],
});
const property = { signature: 'a(sv)', value: [['PIDs', { signature: 'au', value: [7] }]] };
const reply = encodeMessage({ type: 'return', serial: 6, replySerial: 2, signature: 'v', values: [property] });
/** `s ":1.7"` in the other byte order. */
const bigEndian = hex(
  '42 02 00 01 00000009 00000009 0000000f 05 01 75 00 00000001 08 01 67 00 01 73 00 00 00000004 3a312e37 00',
);

/** Headers in one order, and bodies. */
type Found = readonly (readonly [header: unknown, body: unknown, message: Message])[];

function messagesOf(bytes: Uint8Array, pieceSize: number): Found {
  const stream = new MessageStream(1 << 16);
  const found: Found[number][] = [];
  for (let at = 0; at < bytes.length; at += pieceSize) {
    stream.push(bytes.subarray(at, at + pieceSize));
    for (let message = stream.next(); message !== undefined; message = stream.next()) {
      found.push([Object.entries(message).sort(), message.body(), message]);
    }
  }
  return found;
}

const messages: Decoder = {
  name: 'dbus-messages',
  corpus: [jobRemoved, reply, bigEndian, Uint8Array.from([...reply, ...jobRemoved])],
  errors: [DbusError],
  decode: (bytes) => {
    const found = messagesOf(bytes, bytes.length + 1);
    promiseEqual('cuts do not matter', found, messagesOf(bytes, 7));
    for (const [header, body, message] of found) {
      const again = encodeMessage({ ...message, values: message.body() });
      const [survivor] = messagesOf(again, again.length);
      promiseEqual('messages survive', survivor?.slice(0, 2), [header, body]);
    }
  },
};

const handshake: Decoder = {
  name: 'dbus-handshake',
  corpus: ['OK 0123456789abcdef\r\n', 'DATA\r\nOK 0\r\nl\x01', 'REJECTED EXTERNAL\r\n', 'ERROR\r\n'].map(encodeBytes),
  errors: [DbusError],
  decode: (bytes) => {
    const { answer, rest } = new ClientHandshake(0).feed(bytes);
    promise('the end is answered with BEGIN', decodeBytes(answer).endsWith('BEGIN\r\n') === (rest !== undefined));
  },
};

const texts: Decoder = {
  name: 'dbus-texts',
  corpus: [
    ...['unix:path=/run/dbus/system_bus_socket,guid=0f;tcp:host=x', 'unix:abstract=/tmp/a%20b'],
    ...['[\'a\', "b\\u00e9"]', 'uint64 18446744073709551615', '@a(su) []', "('x', <5>, 1.5e3)", 'true'],
    ...['system.slice:cri:0123', 'a-b.slice::x', '::'],
  ].map(encodeBytes),
  errors: [DbusError],
  decode: (bytes) => {
    const text = decodeBytes(bytes);
    try {
      const { path, name } = unitPlaceOf(text, 'id', 'system.slice');
      promise('a unit stays where it belongs', path.endsWith(`/${name}`) && !path.split('/').includes('..'));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
    for (const read of [unixSocketsOf, parseValueText]) {
      try {
        read(text);
      } catch (error) {
        if (!(error instanceof DbusError)) throw error;
      }
    }
  },
};

export const dbusDecoders: readonly Decoder[] = [messages, handshake, texts];
