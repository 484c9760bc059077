/** Decoders of the wire formats: ttrpc, protobuf, netlink, uevents, directory listings. Pure, for Node and the engine. */
import { readDirectoryEntries } from '../../../agent/src/abi/structs/directory.ts';
import {
  encodeMessage as encodeNetlink,
  decodeMessages,
  decodeStatus,
} from '../../../agent/src/codec/netlink/message.ts';
import { decodeLink, encodeDumpLinks, encodeGetLink, encodeSetLinkUp } from '../../../agent/src/codec/netlink/link.ts';
import { encodeTextAttribute, encodeUint32Attribute } from '../../../agent/src/codec/netlink/attribute.ts';
import { NetlinkError } from '../../../agent/src/codec/netlink/netlink-error.ts';
import { MessageCodec } from '../../../agent/src/codec/protobuf/message-codec.ts';
import { ProtobufError } from '../../../agent/src/codec/protobuf/protobuf-error.ts';
import { FixedFrameBudget } from '../../../agent/src/codec/ttrpc/frame-budget.ts';
import { FrameDecoder } from '../../../agent/src/codec/ttrpc/frame-decoder.ts';
import { encodeRequestFrame, RequestEnvelope, ResponseEnvelope } from '../../../agent/src/codec/ttrpc/envelope.ts';
import { MAX_UEVENT_BYTES, decodeUevent } from '../../../agent/src/codec/uevent.ts';
import { decodeBytes, decodeUtf8, encodeBytes } from '../../../agent/src/base/text.ts';
import { schema } from '../../../proto/gen/agent.js';
import type { Decoder } from '../support/decoder.ts';
import { hex, promise, sameBytes } from '../support/decoder.ts';
import { fullMessage, messageTypeCount } from './message-types.ts';

const HEALTH_CHECK = hex('0000001a 00000001 01 00 0a0b 677270632e4865616c7468 1205 436865636b 2080bcc1960b');
const SERVING = hex('00000006 00000001 02 00 0a00 1202 0801');

interface Found {
  readonly header: string;
  readonly body: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/** Frames found in `bytes`, fed `pieceSize` bytes at a time. */
function framesOf(bytes: Uint8Array, pieceSize: number): readonly Found[] {
  const found: Found[] = [];
  const budget = new FixedFrameBudget(1 << 20);
  const decoder = new FrameDecoder(budget);
  const sink = {
    frame(header: object, body: Uint8Array, charged: number): boolean {
      budget.release(charged);
      found.push({ header: JSON.stringify(header), body });
      return true;
    },
    discarded(header: object, reason: string): boolean {
      found.push({ header: `${JSON.stringify(header)} ${reason}`, body: NO_BYTES });
      return true;
    },
  };
  for (let at = 0; at < bytes.length; at += pieceSize)
    promise('a willing sink gets everything', decoder.feed(bytes.slice(at, at + pieceSize), sink) > 0);
  decoder.close();
  promise('the budget is whole again', budget.free === 1 << 20);
  return found;
}

const frames: Decoder = {
  name: 'ttrpc-frames',
  corpus: [
    HEALTH_CHECK,
    SERVING,
    Uint8Array.from([...HEALTH_CHECK, ...SERVING, ...HEALTH_CHECK]),
    encodeRequestFrame(3, {
      service: 'grpc.AgentService',
      method: 'WriteStdin',
      payload: new Uint8Array(3000).fill(7),
    }),
    hex('00400001 00000005 01 00 0102'),
    hex('00000000 00000007 03 05'),
  ],
  errors: [],
  decode: (bytes) => {
    const pieceSize = 1 + (bytes[3] ?? 0);
    const whole = framesOf(bytes, bytes.length + 1);
    const cut = framesOf(bytes, pieceSize);
    const isSame = (one: Found, index: number): boolean => {
      const other = cut[index];
      return other !== undefined && one.header === other.header && sameBytes(one.body, other.body);
    };
    promise('cuts do not matter', whole.length === cut.length && whole.every(isSame));
  },
};

const envelopes: Decoder = {
  name: 'ttrpc-envelopes',
  corpus: [
    HEALTH_CHECK.subarray(10),
    SERVING.subarray(10),
    RequestEnvelope.encode({
      service: 'grpc.AgentService',
      method: 'ExecProcess',
      payload: Uint8Array.of(1, 2, 3),
      timeout_nano: -1n,
      metadata: [{ key: 'traceparent', value: '00-1-2-01' }],
    }),
    ResponseEnvelope.encode({ status: { code: 13, message: 'mount proc on /proc: EPERM', details: [] } }),
  ],
  errors: [ProtobufError],
  decode: (bytes) => {
    for (const codec of [RequestEnvelope, ResponseEnvelope] as readonly MessageCodec<object>[]) reread(codec, bytes);
  },
};

/** Whatever was decoded can be written, and says the same when it is read again. */
export function reread(codec: MessageCodec<object>, bytes: Uint8Array): void {
  let message: object;
  try {
    message = codec.decode(bytes.slice(), { refuseNul: (bytes.length & 1) === 1 });
  } catch (error) {
    if (error instanceof ProtobufError) return;
    throw error;
  }
  const written = codec.encode(message);
  const again = codec.encode(codec.decode(written));
  promise(`${codec.type.name} survives writing and reading`, sameBytes(written, again));
}

/** The first two bytes choose the message type, the rest is the message. */
const messages: Decoder = {
  name: 'protobuf-messages',
  corpus: Array.from({ length: messageTypeCount(schema) }, (_, index) =>
    Uint8Array.from([index & 0xff, index >> 8, ...new MessageCodec(schema, index).encode(fullMessage(schema, index))]),
  ),
  errors: [ProtobufError],
  decode: (bytes) => {
    const index = ((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)) % messageTypeCount(schema);
    reread(new MessageCodec(schema, index), bytes.subarray(2));
  },
};

const link = encodeNetlink({ type: 16, flags: 2, sequence: 1, port: 0 }, [
  hex('0000 0403 01000000 49000100 00000000'),
  encodeTextAttribute(3, 'lo'),
  encodeUint32Attribute(4, 65536),
  hex('0a000100 000000000000 0000'),
]);
const refusal = encodeNetlink({ type: 2, flags: 0x300, sequence: 2, port: 0 }, [
  hex('edffffff 20000000 12000100 01000000 00000000'),
  encodeTextAttribute(1, 'No such device'),
]);

const netlink: Decoder = {
  name: 'netlink',
  corpus: [
    link,
    refusal,
    Uint8Array.from([
      ...link,
      ...link,
      ...encodeNetlink({ type: 3, flags: 2, sequence: 1, port: 0 }, [hex('00000000')]),
    ]),
    encodeGetLink('eth0', 7),
    encodeDumpLinks(8),
    encodeSetLinkUp(1, true, 9),
  ],
  errors: [NetlinkError],
  decode: (bytes) => {
    for (const message of decodeMessages(bytes)) {
      const status = decodeStatus(message);
      promise('a status is a number', status === undefined || Number.isInteger(status.errno));
      const found = decodeLink(message);
      promise('a name ends at its NUL', found?.name.includes('\0') !== true);
    }
  },
};

const uevent: Decoder = {
  name: 'uevent',
  corpus: [
    'add@/devices/pci0000:00/0000:00:02.0/virtio1/block/vda\0ACTION=add\0SUBSYSTEM=block\0MAJOR=254\0SEQNUM=1\0',
    'remove@/devices/virtual/net/lo\0SUBSYSTEM=net\0',
    'libudev\0\xfe\xed\xca\xfe',
  ].map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))),
  errors: [],
  decode: (bytes) => {
    const event = decodeUevent(bytes);
    if (event === undefined) return;
    promise(
      'only what the kernel could have sent',
      bytes.length <= MAX_UEVENT_BYTES && event.devicePath.startsWith('/'),
    );
    promise('no part holds a NUL', !`${event.action}${event.devicePath}${event.subsystem}`.includes('\0'));
  },
};

const directory: Decoder = {
  name: 'directory-entries',
  corpus: [
    hex('0100000000000000 0200000000000000 1800 04 2e00 0000000000'),
    hex(
      '0500000000000000 0300000000000000 2000 08 66696c652e747874 00 00000000 0700000000000000 0400000000000000 1800 0a 6c00 0000000000',
    ),
  ],
  errors: [],
  decode: (bytes) => {
    const entries = readDirectoryEntries(bytes);
    promise('no more names than there is room for', entries.length * 19 <= bytes.length);
    promise(
      'no name holds a NUL',
      entries.every(({ name }) => !name.includes('\0')),
    );
  },
};

const text: Decoder = {
  name: 'text',
  corpus: [
    hex('4b69686f6e20 c3a9 e282ac f09f9880'),
    hex('ff fe 80 c0 80 eda080 f4908080 e282'),
    new Uint8Array(5000).fill(0x61),
  ],
  errors: [],
  decode: (bytes) => {
    promise('bytes survive', sameBytes(encodeBytes(decodeBytes(bytes)), bytes));
    const strict = decodeUtf8(bytes);
    promise('strict and lossless agree', strict === undefined || strict === decodeBytes(bytes));
  },
};

export const wireDecoders: readonly Decoder[] = [frames, envelopes, messages, netlink, uevent, directory, text];
