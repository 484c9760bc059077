import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FixedFrameBudget } from '../../../../agent/src/codec/ttrpc/frame-budget.ts';
import { FrameDecoder } from '../../../../agent/src/codec/ttrpc/frame-decoder.ts';
import { decodeFrameHeader, encodeFrameHeader, MAX_FRAME_LENGTH } from '../../../../agent/src/codec/ttrpc/frame.ts';
import { concat, hex, rawFrame } from './support.ts';

/** Feeds `bytes` cut at `sizes` (the last size repeats) and notes what comes out. */
function run(bytes: Uint8Array, sizes: readonly number[], budget = new FixedFrameBudget()): string[] {
  const seen: string[] = [];
  const decoder = new FrameDecoder(budget);
  const sink = {
    frame: (header: { streamId: number; type: number; flags: number }, body: Uint8Array, charged: number) => {
      budget.release(charged);
      seen.push(
        `${header.streamId}/${header.type}/${header.flags} ${Buffer.from(body).toString('hex').slice(0, 40)} ${body.length}`,
      );
      return true;
    },
    discarded: (header: { streamId: number; length: number }, reason: string) => {
      seen.push(`${header.streamId} ${reason} ${header.length}`);
      return true;
    },
  };
  for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
    const size = sizes[Math.min(turn, sizes.length - 1)] ?? 1;
    const chunk = Uint8Array.from(bytes.subarray(offset, offset + size));
    expect(decoder.feed(chunk, sink)).toBe(chunk.length);
    // The caller may reuse its buffer at once.
    chunk.fill(0xee);
    offset += size;
  }
  return seen;
}

describe('frame header', () => {
  test('round-trips', () => {
    const u32 = fc.nat({ max: 0xffff_ffff });
    const u8 = fc.nat({ max: 255 });
    fc.assert(
      fc.property(fc.record({ length: u32, streamId: u32, type: u8, flags: u8 }), (header) => {
        const bytes = new Uint8Array(12);
        encodeFrameHeader(bytes, 2, header.length, header.streamId, header.type, header.flags);
        expect(decodeFrameHeader(bytes, 2)).toEqual(header);
      }),
    );
  });
});

describe('FrameDecoder', () => {
  const three = concat(
    rawFrame(1, 1, 0, hex('0102030405')),
    rawFrame(3, 3, 5, hex('')),
    rawFrame(0xffff_ffff, 2, 0, new Uint8Array(300).fill(9)),
  );

  test('gives the same frames however the stream is split', () => {
    const whole = run(three, [three.length]);
    expect(whole).toEqual(['1/1/0 0102030405 5', '3/3/5  0', `4294967295/2/0 ${'09'.repeat(20)} 300`]);
    expect(run(three, [1])).toEqual(whole);
    expect(run(three, [2])).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        expect(run(three, sizes)).toEqual(whole);
      }),
    );
  });

  test('random frames round-trip through random splits', () => {
    const frame = fc.record({
      streamId: fc.nat(),
      type: fc.nat({ max: 255 }),
      flags: fc.nat({ max: 255 }),
      body: fc.uint8Array({ maxLength: 50 }),
    });
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (frames, sizes) => {
        const bytes = concat(...frames.map((item) => rawFrame(item.streamId, item.type, item.flags, item.body)));
        const wanted = frames.map(
          (item) =>
            `${item.streamId}/${item.type}/${item.flags} ${Buffer.from(item.body).toString('hex').slice(0, 40)} ${item.body.length}`,
        );
        expect(run(bytes, sizes)).toEqual(wanted);
      }),
    );
  });

  test('takes a frame of exactly the limit', () => {
    const seen = run(rawFrame(1, 1, 0, new Uint8Array(MAX_FRAME_LENGTH)), [65536]);
    expect(seen).toEqual([`1/1/0 ${'00'.repeat(20)} ${MAX_FRAME_LENGTH}`]);
  });

  test('steps over exactly the declared bytes of an oversized frame, even when they look like headers (TTR-01)', () => {
    const decoy = rawFrame(7, 1, 0, hex('0a00'));
    const count = Math.ceil((MAX_FRAME_LENGTH + 1) / decoy.length);
    const body = new Uint8Array(count * decoy.length);
    for (let index = 0; index < count; index++) body.set(decoy, index * decoy.length);
    const bytes = concat(rawFrame(5, 1, 0, body), rawFrame(9, 1, 0, hex('ff')));
    expect(run(bytes, [70_000])).toEqual([`5 oversized ${body.length}`, '9/1/0 ff 1']);
  });

  test('says nothing about an oversized frame before its last byte', () => {
    expect(run(concat(rawFrame(5, 1, 0, new Uint8Array(100), 0xffff_ffff)), [10])).toEqual([]);
  });

  test('a declared length takes no memory', () => {
    const budget = new FixedFrameBudget();
    run(rawFrame(1, 1, 0, new Uint8Array(10), MAX_FRAME_LENGTH), [1], budget);
    expect(budget.free).toBeGreaterThan((16 << 20) - 4096);
  });

  test('discards a large frame when the budget is used up, and gives back what it held', () => {
    const budget = new FixedFrameBudget(200_000);
    const bytes = concat(
      rawFrame(1, 1, 0, new Uint8Array(300_000)),
      rawFrame(3, 1, 0, new Uint8Array(65_536)),
      rawFrame(5, 1, 0, new Uint8Array(150_000)),
    );
    expect(run(bytes, [4096], budget)).toEqual([
      '1 budget 300000',
      `3/1/0 ${'00'.repeat(20)} 65536`,
      `5/1/0 ${'00'.repeat(20)} 150000`,
    ]);
    expect(budget.free).toBe(200_000);
  });

  test('close() gives back what a frame in progress holds', () => {
    const budget = new FixedFrameBudget();
    const decoder = new FrameDecoder(budget);
    decoder.feed(rawFrame(1, 1, 0, new Uint8Array(100_000), 200_000), { frame: () => true, discarded: () => true });
    expect(decoder.isMidFrame).toBe(true);
    expect(budget.free).toBeLessThan(16 << 20);
    decoder.close();
    expect(budget.free).toBe(16 << 20);
  });

  test('counts whole frames, so that one in progress can be told from the next', () => {
    const decoder = new FrameDecoder(new FixedFrameBudget());
    const sink = { frame: () => true, discarded: () => true };
    const bytes = concat(rawFrame(1, 1, 0, hex('01')), rawFrame(3, 1, 0, hex('02')));
    decoder.feed(bytes.subarray(0, 15), sink);
    expect([decoder.frameCount, decoder.isMidFrame]).toEqual([1, true]);
    decoder.feed(bytes.subarray(15), sink);
    expect([decoder.frameCount, decoder.isMidFrame]).toEqual([2, false]);
  });

  test('stops after a frame when the sink says so', () => {
    const decoder = new FrameDecoder(new FixedFrameBudget());
    const bytes = concat(rawFrame(1, 1, 0, hex('01')), rawFrame(3, 1, 0, hex('02')));
    expect(decoder.feed(bytes, { frame: () => false, discarded: () => true })).toBe(11);
  });

  test('random garbage never throws', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 9 }),
        (bytes, size) => void run(bytes, [size]),
      ),
    );
  });
});
