import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as api from '../../../../proto/gen/agent.js';
import {
  encodeRequestFrame,
  encodeStatusFrame,
  finishResponseFrame,
  MAX_STATUS_TEXT,
  RequestEnvelope,
  RESPONSE_RESERVE,
  ResponseEnvelope,
} from '../../../../agent/src/codec/ttrpc/envelope.ts';
import { FRAME_HEADER_SIZE, MAX_FRAME_LENGTH } from '../../../../agent/src/codec/ttrpc/frame.ts';
import { hex } from './support.ts';

describe('worked frames of the specification', () => {
  test('Health.Check on stream 1 with a timeout of 3 s', () => {
    const frame = encodeRequestFrame(1, {
      service: 'grpc.Health',
      method: 'Check',
      payload: new Uint8Array(0),
      timeout_nano: 3_000_000_000n,
    });
    expect(frame).toEqual(
      hex(
        `00 00 00 1a  00 00 00 01  01 00   0a 0b 67 72 70 63 2e 48 65 61 6c 74 68  12 05 43 68 65 63 6b  20 80 bc c1 96 0b`,
      ),
    );
  });

  test('its reply, SERVING', () => {
    const frame = finishResponseFrame(
      1,
      api.HealthCheckResponse.encode({ status: api.ServingStatus.SERVING }, RESPONSE_RESERVE),
    );
    expect(frame).toEqual(hex('00 00 00 06  00 00 00 01  02 00   0a 00  12 02 08 01'));
  });

  test('an Empty success on stream 3', () => {
    expect(finishResponseFrame(3, api.Empty.encode({}, RESPONSE_RESERVE))).toEqual(
      hex('00 00 00 02  00 00 00 03  02 00   0a 00'),
    );
  });

  test('code 12 on stream 5', () => {
    expect(encodeStatusFrame(5, 12, 'Nope method')).toEqual(
      hex('00 00 00 11  00 00 00 05  02 00   0a 0f 08 0c 12 0b 4e 6f 70 65 20 6d 65 74 68 6f 64'),
    );
  });

  test('GetMetrics with a trace parent has length 0x67', () => {
    const frame = encodeRequestFrame(7, {
      service: 'grpc.AgentService',
      method: 'GetMetrics',
      payload: new Uint8Array(0),
      metadata: [{ key: 'traceparent', value: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }],
    });
    expect(frame.subarray(0, 10)).toEqual(hex('00 00 00 67  00 00 00 07  01 00'));
    expect(frame.subarray(10, 12)).toEqual(hex('0a 11'));
    expect(frame.subarray(29, 31)).toEqual(hex('12 0a'));
    expect(frame.subarray(41, 45)).toEqual(hex('2a 46 0a 0b'));
    expect(frame.subarray(56, 58)).toEqual(hex('12 37'));
  });
});

describe('envelopes', () => {
  test('requests round-trip', () => {
    const text = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(
        fc.record({
          service: text,
          method: text,
          payload: fc.uint8Array(),
          timeout_nano: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
          metadata: fc.array(fc.record({ key: text, value: text })),
        }),
        (request) => {
          const decoded = RequestEnvelope.decode(encodeRequestFrame(1, request).subarray(FRAME_HEADER_SIZE));
          expect(decoded.service).toBe(request.service);
          expect(decoded.method).toBe(request.method);
          expect(decoded.payload).toEqual(request.payload);
          expect(decoded.timeout_nano).toBe(request.timeout_nano);
          expect(decoded.metadata.map(({ key, value }) => ({ key, value }))).toEqual(request.metadata);
        },
      ),
    );
  });

  test.each([0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])(
    'a response of %i bytes is framed without a copy',
    (size) => {
      const buffer = new Uint8Array(RESPONSE_RESERVE + size).fill(7, RESPONSE_RESERVE);
      const frame = finishResponseFrame(9, buffer);
      expect(frame.buffer).toBe(buffer.buffer);
      const decoded = ResponseEnvelope.decode(frame.subarray(FRAME_HEADER_SIZE));
      expect(decoded.status?.code).toBe(0);
      expect(decoded.payload.length).toBe(size);
      expect(decoded.payload.every((byte) => byte === 7)).toBe(true);
      // The same bytes as an encoder without tricks.
      const plain = ResponseEnvelope.encode({ status: {}, payload: new Uint8Array(size).fill(7) });
      expect(Buffer.compare(frame.subarray(FRAME_HEADER_SIZE), plain)).toBe(0);
    },
  );

  test('a response fills a frame exactly, and is replaced above that', () => {
    const fits = MAX_FRAME_LENGTH - 2 - 1 - 4;
    expect(finishResponseFrame(1, new Uint8Array(RESPONSE_RESERVE + fits)).length).toBe(
      MAX_FRAME_LENGTH + FRAME_HEADER_SIZE,
    );
    const replaced = ResponseEnvelope.decode(
      finishResponseFrame(1, new Uint8Array(RESPONSE_RESERVE + fits + 1)).subarray(FRAME_HEADER_SIZE),
    );
    expect(replaced.status?.code).toBe(3);
    expect(replaced.status?.message).toBe('message length 4194305 exceed maximum message size of 4194304');
  });

  test('a request above the limit is refused before it is sent', () => {
    expect(() =>
      encodeRequestFrame(1, { service: 's', method: 'm', payload: new Uint8Array(MAX_FRAME_LENGTH) }),
    ).toThrow(RangeError);
  });

  test('long error texts are cut', () => {
    const frame = encodeStatusFrame(1, 13, 'x'.repeat(1 << 20));
    expect(ResponseEnvelope.decode(frame.subarray(FRAME_HEADER_SIZE)).status?.message.length).toBe(MAX_STATUS_TEXT);
  });
});
