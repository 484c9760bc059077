import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as api from '../../../../proto/gen/agent.js';
import { encodeRequestFrame } from '../../../../agent/src/codec/ttrpc/envelope.ts';
import { MAX_FRAME_LENGTH } from '../../../../agent/src/codec/ttrpc/frame.ts';
import { deadlineMs } from '../../../../agent/src/codec/ttrpc/server-call.ts';
import { concat, drain, hex, rawFrame, request, serve, statuses } from './support.ts';

const check = (streamId: number): Uint8Array => request(streamId, 'Check', {}, 'grpc.Health');
const close = hex('00 00 00 00  00 00 00 09  03 05');

describe('calls', () => {
  test('are dispatched in order and answered in any order', () => {
    const { connection, calls } = serve();
    connection.receive(
      concat(
        request(1, 'WaitProcess', { container_id: 'a' }),
        check(3),
        request(5, 'WaitProcess', { container_id: 'b' }),
      ),
    );
    expect(calls.map((call) => [call.streamId, call.method])).toEqual([
      [1, 'WaitProcess'],
      [3, 'Check'],
      [5, 'WaitProcess'],
    ]);
    expect((calls[2]?.request as api.WaitProcessRequest).container_id).toBe('b');
    calls[2]?.reply({ status: 7 });
    calls[1]?.fail(5, 'gone');
    calls[0]?.reply({});
    const answers = drain(connection);
    expect(answers.map(({ header }) => [header.streamId, header.type, header.flags])).toEqual([
      [5, 2, 0],
      [3, 2, 0],
      [1, 2, 0],
    ]);
    expect(api.WaitProcessResponse.decode(answers[0]?.response.payload ?? new Uint8Array(0)).status).toBe(7);
    expect(answers[1]?.response.status?.code).toBe(5);
    expect(answers[2]?.response.status?.code).toBe(0);
    expect(connection.callCount).toBe(0);
  });

  test('work when bytes come one and two at a time', () => {
    for (const size of [1, 2]) {
      const { connection, calls } = serve({ onCall: (call) => call.reply({ status: 1 }) });
      const bytes = concat(check(1), check(3), close);
      for (let offset = 0; offset < bytes.length; offset += size)
        connection.receive(bytes.subarray(offset, offset + size));
      expect(calls.length).toBe(2);
      expect(statuses(connection)).toEqual(['1 0', '3 0', '9 3 Stream is no longer active']);
    }
  });

  test('the golden conversation is byte-identical', () => {
    const { connection } = serve({ onCall: (call) => call.reply({ status: 1 }) });
    connection.receive(
      hex(
        '00 00 00 1a  00 00 00 01  01 00   0a 0b 67 72 70 63 2e 48 65 61 6c 74 68  12 05 43 68 65 63 6b  20 80 bc c1 96 0b',
      ),
    );
    expect(connection.output(1 << 20)).toEqual(hex('00 00 00 06  00 00 00 01  02 00   0a 00  12 02 08 01'));
  });

  test('carry deadline and metadata', () => {
    const { connection, calls } = serve();
    connection.receive(
      encodeRequestFrame(1, {
        service: 'grpc.Health',
        method: 'Check',
        payload: new Uint8Array(0),
        timeout_nano: 1n,
        metadata: [
          { key: 'a', value: '1' },
          { key: '__proto__', value: 'x' },
          { key: 'a', value: '2' },
        ],
      }),
    );
    expect(calls[0]?.deadlineMs).toBe(1);
    expect(calls[0]?.metadataValues('a')).toEqual(['1', '2']);
    expect(calls[0]?.metadataValues('__proto__')).toEqual(['x']);
  });

  test('a handler that throws fails only its call', () => {
    const { connection } = serve({
      onCall: (call) => {
        if (call.streamId === 1) throw new Error('boom');
        if (call.streamId === 3) throw null;
        call.reply({});
      },
    });
    connection.receive(concat(check(1), check(3), check(5)));
    expect(statuses(connection)).toEqual(['1 13 Check: boom', '3 13 Check: out of memory', '5 0']);
  });

  test('a response that does not encode is an error of that call', () => {
    const { connection } = serve({ onCall: (call) => call.reply({ status: 1.5 }) });
    connection.receive(check(1));
    expect(statuses(connection)).toEqual([
      expect.stringMatching(/^1 13 encode Check response: HealthCheckResponse.status/),
    ]);
  });

  test.each([
    [0n, undefined],
    [-1n, undefined],
    [-(1n << 63n), undefined],
    [(1n << 63n) - 1n, undefined],
    [1n, 1],
    [1_000_001n, 2],
    [3_000_000_000n, 3000],
  ])('timeout_nano %s becomes a timer of %s ms (TTR-10)', (nanos, wanted) => {
    expect(deadlineMs(nanos)).toBe(wanted);
  });

  test("an expired call is answered once, with upstream's text", () => {
    const { connection, calls } = serve();
    connection.receive(check(1));
    const call = calls[0];
    call?.expire();
    expect(call?.signal.aborted).toBe(true);
    call?.reply({ status: 1 });
    call?.expire();
    expect(statuses(connection)).toEqual(['1 4 timeout']);
  });
});

describe('what the server answers to broken input', () => {
  const healthCheck = (streamId: number): Uint8Array => check(streamId);
  test.each<[string, Uint8Array, string[]]>([
    ['an even stream id', check(2), ['2 3 stream id must be odd']],
    ['stream id 0', check(0), ['0 3 stream id must be odd']],
    [
      'a body that is no Request',
      rawFrame(1, 1, 0, hex('0a05 41')),
      ['1 3 invalid request: length 5 exceeds the 1 bytes left'],
    ],
    ['an unknown service', request(1, 'Check', {}, 'grpc.Nope'), ['1 3 grpc.Nope service does not exist']],
    ['an unknown method', request(1, 'Nope'), ['1 12 Nope method']],
    ['service __proto__ (TTR-10)', request(1, 'x', {}, '__proto__'), ['1 3 __proto__ service does not exist']],
    ['method constructor (TTR-10)', request(1, 'constructor'), ['1 12 constructor method']],
    ['an empty request (TTR-02)', rawFrame(1, 1, 0, hex('')), ['1 3  service does not exist']],
    [
      'a payload that does not decode',
      encodeRequestFrame(1, { service: 'grpc.Health', method: 'Check', payload: hex('0a') }),
      ['1 2 ttrpc err: message is cut short'],
    ],
    [
      'bad UTF-8 in the payload (ENG-04)',
      encodeRequestFrame(1, { service: 'grpc.Health', method: 'Check', payload: hex('0a01ff') }),
      ['1 3 CheckRequest.service: not valid UTF-8'],
    ],
    [
      'NUL in the payload (ENG-01)',
      encodeRequestFrame(1, { service: 'grpc.Health', method: 'Check', payload: hex('0a0100') }),
      ['1 3 CheckRequest.service: must not contain NUL'],
    ],
    ['data for an unknown stream', close, ['9 3 Stream is no longer active']],
    ['data that closes and is not empty', rawFrame(9, 3, 1, hex('01')), ['9 3 Stream is no longer active']],
    ['data on an even stream', rawFrame(4, 3, 0, hex('01')), ['4 3 stream id must be odd']],
    ['a response frame', rawFrame(1, 2, 0, hex('0a00')), []],
    ['an unknown type', rawFrame(1, 200, 255, hex('0a00')), []],
  ])('%s, and the connection stays usable', (_what, bytes, wanted) => {
    const { connection, calls } = serve({ onCall: (call) => call.reply({}) });
    connection.receive(concat(bytes, healthCheck(101)));
    expect(statuses(connection)).toEqual([...wanted, '101 0']);
    expect(calls.length).toBe(1);
  });

  test('every type and every flag leaves no state (TTR-03)', () => {
    const { connection } = serve({ onCall: (call) => call.reply({}) });
    for (let type = 0; type < 256; type++) {
      if (type === 1) continue;
      for (const flags of [0, 1, 2, 4, 8, 255]) {
        connection.receive(rawFrame(1, type, flags, hex('00')));
        drain(connection);
      }
    }
    for (let flags = 0; flags < 256; flags++) {
      const frame = check(1);
      frame[9] = flags;
      connection.receive(frame);
      expect(statuses(connection)).toEqual(['1 0']);
    }
    expect(connection.callCount).toBe(0);
  });

  test('a name of 1 MiB is not echoed whole (TTR-10)', () => {
    const { connection } = serve();
    connection.receive(request(1, 'm'.repeat(1 << 20)));
    expect(connection.outputBytes).toBeLessThan(1000);
  });

  test('10,000 metadata pairs are taken, 100,000 refused (TTR-09, TTR-10)', () => {
    const { connection, calls } = serve();
    const metadata = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: '' }));
    const frame = (streamId: number, count: number) =>
      encodeRequestFrame(streamId, {
        service: 'grpc.Health',
        method: 'Check',
        payload: new Uint8Array(0),
        metadata: metadata(count),
      });
    connection.receive(frame(1, 10_000));
    connection.receive(frame(3, 100_000));
    expect(calls[0]?.metadata.length).toBe(10_000);
    expect(statuses(connection)).toEqual([expect.stringMatching(/^3 3 invalid request: more than/)]);
  });

  test('an oversized frame is answered after it was skipped (TTR-01)', () => {
    const { connection, calls } = serve({ onCall: (call) => call.reply({}) });
    const size = MAX_FRAME_LENGTH + 1;
    connection.receive(rawFrame(1, 1, 0, new Uint8Array(size - 10), size));
    expect(statuses(connection)).toEqual([]);
    connection.receive(concat(new Uint8Array(10), check(3)));
    expect(statuses(connection)).toEqual([`1 3 message length ${size} exceed maximum message size of 4194304`, '3 0']);
    expect(calls.length).toBe(1);
  });

  test('every cut of a request executes nothing (TTR-02)', () => {
    const frame = request(1, 'CreateContainer', { container_id: 'c1' });
    for (let length = 0; length < frame.length; length++) {
      const { connection, calls } = serve();
      connection.receive(frame.subarray(0, length));
      connection.endInput();
      expect(calls).toEqual([]);
      expect(connection.isDone).toBe(true);
    }
  });

  test('1,000 frames in one write are 1,000 calls (TTR-02)', () => {
    const { connection, calls } = serve();
    connection.receive(concat(...Array.from({ length: 1000 }, (_, index) => check(index * 2 + 1))));
    expect(calls.length).toBe(1000);
  });

  test('random garbage is survived and memory stays bounded', () => {
    const { connection } = serve({ onCall: (call) => call.reply({}) });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        connection.receive(bytes);
        drain(connection);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(
        fc.nat({ max: 255 }),
        fc.nat({ max: 9 }),
        fc.uint8Array({ maxLength: 60 }),
        (flags, streamId, body) => {
          const fresh = serve({ onCall: (call) => call.reply({}) });
          fresh.connection.receive(rawFrame(streamId, 1, flags, body));
          expect(statuses(fresh.connection).length).toBe(1);
        },
      ),
    );
  });
});

describe('stream ids (TTR-04)', () => {
  test('a live id is refused, and its call undisturbed', () => {
    const { connection, calls } = serve();
    connection.receive(concat(request(1, 'WaitProcess'), request(1, 'WaitProcess')));
    expect(statuses(connection)).toEqual(['1 3 stream id 1 is in use']);
    expect(calls.length).toBe(1);
    expect(calls[0]?.isOpen).toBe(true);
    calls[0]?.reply({ status: 5 });
    expect(statuses(connection)).toEqual(['1 0']);
  });

  test('finished, falling and wrapped ids are accepted', () => {
    const { connection, calls } = serve({ onCall: (call) => call.reply({}) });
    connection.receive(concat(check(5), check(5), check(3), check(0xffff_ffff), check(1)));
    expect(calls.map((call) => call.streamId)).toEqual([5, 5, 3, 0xffff_ffff, 1]);
    expect(statuses(connection)).toEqual(['5 0', '5 0', '3 0', '4294967295 0', '1 0']);
  });

  test('data on a live unary stream is ignored; a violation ends that call alone', () => {
    const { connection, calls } = serve();
    connection.receive(
      concat(
        request(1, 'WaitProcess'),
        request(3, 'WaitProcess'),
        rawFrame(1, 3, 4, hex('')),
        rawFrame(1, 3, 1, hex('')),
        rawFrame(3, 3, 1, hex('00')),
      ),
    );
    expect(statuses(connection)).toEqual(['3 3 data frame that closes the stream must be empty']);
    expect(calls.map((call) => [call.isOpen, call.signal.aborted])).toEqual([
      [true, false],
      [false, true],
    ]);
    calls[1]?.reply({});
    expect(statuses(connection)).toEqual([]);
  });
});

describe('limits', () => {
  test('calls in flight are capped, and existing ones survive (TTR-08)', () => {
    const { connection, calls } = serve({ limits: { maxCalls: 3 } });
    connection.receive(concat(...[1, 3, 5, 7].map((id) => request(id, 'WaitProcess'))));
    expect(statuses(connection)).toEqual(['7 8 more than 3 calls on one connection']);
    calls[0]?.reply({});
    connection.receive(request(9, 'WaitProcess'));
    expect(calls.length).toBe(4);
    expect(calls.slice(1).every((call) => call.isOpen)).toBe(true);
  });

  test('a peer that does not read is not read, and everything goes on when it does (TTR-07)', () => {
    const { connection, calls } = serve({ onCall: (call) => call.reply({ data: new Uint8Array(32 << 10) }) });
    const bytes = concat(...Array.from({ length: 1000 }, (_, index) => request(index * 2 + 1, 'ReadStdout')));
    connection.receive(bytes);
    expect(connection.wantsInput).toBe(false);
    expect(calls.length).toBeLessThan(40);
    expect(connection.outputBytes).toBeLessThan(1_200_000);
    const answers = drain(connection, 16 << 10);
    expect(answers.length).toBe(1000);
    expect(answers.map(({ header }) => header.streamId)).toEqual(calls.map((call) => call.streamId));
    expect(connection.wantsInput).toBe(true);
  });

  test('handlers learn whether an answer would be queued', () => {
    const { connection, calls } = serve({ limits: { pauseOutputFrames: 1 } });
    connection.receive(concat(request(1, 'ReadStdout'), request(3, 'ReadStdout')));
    const [first, second] = calls;
    expect(second?.canReply).toBe(true);
    first?.reply({});
    expect(second?.canReply).toBe(false);
    let woken = 0;
    second?.onceWritable(() => (woken += 1));
    const unregister = second?.onceWritable(() => (woken += 100));
    unregister?.();
    drain(connection);
    expect(woken).toBe(1);
    expect(second?.canReply).toBe(true);
  });

  test('answers beyond the hard cap are replaced, not stored', () => {
    const { connection, calls } = serve({ limits: { maxOutputBytes: 100_000 } });
    connection.receive(concat(...[1, 3, 5].map((id) => request(id, 'ReadStdout'))));
    for (const call of calls) call.reply({ data: new Uint8Array(60_000) });
    expect(statuses(connection)).toEqual(['1 0', expect.stringMatching(/^3 8 /), expect.stringMatching(/^5 8 /)]);
  });

  test('unanswered small requests hold a bounded number of bytes', () => {
    const { connection, calls } = serve({ limits: { maxRequestBytes: 100_000 } });
    const write = (streamId: number): Uint8Array => request(streamId, 'WriteStdin', { data: new Uint8Array(40_000) });
    connection.receive(concat(write(1), write(3), write(5)));
    expect(statuses(connection)).toEqual([expect.stringMatching(/^5 8 /)]);
    calls[0]?.reply({});
    connection.receive(write(7));
    expect(calls.length).toBe(3);
  });

  test('large requests hold the shared budget until they are answered', () => {
    const { connection, calls, budget } = serve({ budget: 1 << 20 });
    const write = (streamId: number): Uint8Array => request(streamId, 'WriteStdin', { data: new Uint8Array(600_000) });
    connection.receive(concat(write(1), write(3)));
    expect(statuses(connection)).toEqual([expect.stringMatching(/^3 8 no memory for a frame/)]);
    calls[0]?.reply({ len: 600_000 });
    connection.receive(write(5));
    expect(calls.length).toBe(2);
    connection.close();
    expect(budget.free).toBe(1 << 20);
  });

  test('a refused large request gives its budget back', () => {
    const { connection, budget } = serve();
    connection.receive(request(2, 'WriteStdin', { data: new Uint8Array(600_000) }));
    connection.receive(rawFrame(1, 3, 0, new Uint8Array(100_000)));
    expect(budget.free).toBe(16 << 20);
  });

  test('a reply above a frame is replaced by a status (TTR-11)', () => {
    const { connection } = serve({ onCall: (call) => call.reply({ metrics: 'x'.repeat(MAX_FRAME_LENGTH) }) });
    connection.receive(request(1, 'GetMetrics'));
    expect(statuses(connection)).toEqual([
      expect.stringMatching(/^1 3 message length \d+ exceed maximum message size of 4194304$/),
    ]);
  });
});

describe('the end of a connection (TTR-05)', () => {
  test('close() aborts every handler and answers nothing', () => {
    const { connection, calls, budget } = serve();
    connection.receive(concat(request(1, 'WaitProcess'), request(3, 'GetOOMEvent')));
    const reasons: unknown[] = [];
    for (const call of calls) call.signal.onAbort((reason) => reasons.push(reason));
    connection.close('gone');
    connection.close('again');
    expect(reasons).toEqual(['gone', 'gone']);
    calls[0]?.reply({});
    expect(connection.output(100)).toBeUndefined();
    expect(connection.isDone).toBe(true);
    expect(budget.free).toBe(16 << 20);
  });

  test('a peer that closed only its sending half gets its pending answers', () => {
    const { connection, calls } = serve();
    connection.receive(request(1, 'WaitProcess'));
    connection.endInput();
    expect(connection.isDone).toBe(false);
    expect(calls[0]?.signal.aborted).toBe(false);
    calls[0]?.reply({ status: 1 });
    expect(connection.isDone).toBe(false);
    expect(statuses(connection)).toEqual(['1 0']);
    expect(connection.isDone).toBe(true);
  });
});
