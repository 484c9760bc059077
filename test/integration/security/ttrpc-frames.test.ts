import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import {
  agentCall,
  bytes,
  checkCall,
  chunk,
  frame,
  header,
  requestBody,
  tag,
  varint,
} from '../../support/raw/bytes.ts';
import { RawConnection } from '../../support/raw/raw-connection.ts';

const MIB = 1 << 20;
const LIMIT = 4 * MIB;
const OK = 0;
const UNKNOWN = 2;
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

describe('ttrpc frames written by hand', () => {
  const fixture = useAgent();
  const open = () => RawConnection.open(fixture.agent);

  it('are answered byte for byte as the specification has them', async () => {
    await using connection = await open();
    // The worked frames of the contract (1.9): Check with a deadline of 3 s, then a method that is not there.
    await connection.send(
      bytes(
        [0, 0, 0, 0x1a, 0, 0, 0, 1, 1, 0],
        [0x0a, 0x0b, 0x67, 0x72, 0x70, 0x63, 0x2e, 0x48, 0x65, 0x61, 0x6c, 0x74, 0x68],
        [0x12, 0x05, 0x43, 0x68, 0x65, 0x63, 0x6b, 0x20, 0x80, 0xbc, 0xc1, 0x96, 0x0b],
      ),
    );
    expect(await connection.next()).toMatchObject({
      streamId: 1,
      type: 2,
      flags: 0,
      body: bytes([0x0a, 0, 0x12, 2, 8, 1]),
    });
    await connection.send(agentCall(3, 'UpdateEphemeralMounts'));
    expect(await connection.next()).toMatchObject({ streamId: 3, type: 2, flags: 0, body: bytes([0x0a, 0]) });
    await connection.send(frame(5, 1, requestBody({ service: 'grpc.AgentService', method: 'Nope' })));
    expect(await connection.next()).toMatchObject({
      streamId: 5,
      body: bytes([0x0a, 0x0f, 8, 0x0c, 0x12, 0x0b], 'Nope method'),
    });
  });

  describe('TTR-01: a frame above the limit', () => {
    // Read as frames, this body would be answered on stream 99.
    const decoy = checkCall(99);
    const bodyOf = (length: number): Buffer => Buffer.alloc(length, decoy);

    it.each([LIMIT + 1, 16 * MIB])(
      'of %i bytes is skipped to its last byte and refused on its stream',
      async (length) => {
        await using connection = await open();
        await connection.send(header(length, 1, 1), bodyOf(length), checkCall(3));
        const refusal = await connection.next();
        expect(refusal).toMatchObject({ streamId: 1, code: INVALID_ARGUMENT });
        expect(refusal.text).toContain(`message length ${length} exceed maximum message size of ${LIMIT}`);
        expect(await connection.next()).toMatchObject({ streamId: 3, code: OK });
        expect(connection.answers).toEqual([]);
      },
    );

    it('does not begin one byte too early: 4 MiB are taken', async () => {
      await using connection = await open();
      const head = requestBody({ method: 'Nope' });
      const filler = LIMIT - head.length - 5;
      const body = Buffer.concat([head, tag(15, 2), varint(filler), Buffer.alloc(filler)]);
      expect(body.length).toBe(LIMIT);
      await connection.send(frame(1, 1, body), checkCall(3));
      expect(await connection.next()).toMatchObject({ streamId: 1, code: UNIMPLEMENTED, text: 'Nope method' });
      expect(await connection.next()).toMatchObject({ streamId: 3, code: OK });
    });

    it.each([LIMIT, LIMIT + 1, 16 * MIB, 0xffff_ffff])(
      'of %i bytes that never come whole holds nothing',
      async (length) => {
        for (const sent of [0, 10, 100_000, Math.min(length >>> 1, 9 * MIB)]) {
          await using connection = await open();
          await connection.send(header(length, 1, 1), bodyOf(sent));
          await fixture.watched.alive();
          expect(connection.answers).toEqual([]);
        }
      },
    );

    it('takes memory as its bytes come, not as its header says', async () => {
      const connections = await Promise.all(Array.from({ length: 100 }, open));
      await Promise.all(connections.map((connection) => connection.send(header(LIMIT, 1, 1), Buffer.alloc(10))));
      await fixture.watched.alive();
      fixture.watched.bounded();
      for (const connection of connections) connection.drop();
    });
  });

  describe('TTR-02: a frame cut anywhere', () => {
    it('is not executed in part, whether the end, a reset or silence follows', async () => {
      await using container = await TestContainer.create(fixture.client, { root: fixture.root, run: 'echo started' });
      const whole = agentCall(1, 'StartContainer', chunk(1, container.id));
      const silent: RawConnection[] = [];
      for (let length = 0; length < whole.length; length++) {
        const ended = await open();
        await ended.send(whole.subarray(0, length));
        ended.halfClose();
        const dropped = await open();
        await dropped.send(whole.subarray(0, length));
        dropped.drop();
        if (length % 8 === 0) {
          silent.push(await open());
          await silent.at(-1)?.send(whole.subarray(0, length));
        }
        await ended.closed();
        expect(ended.answers).toEqual([]);
        ended.drop();
      }
      await fixture.watched.alive();
      // It still waits for its start: the first whole frame is the one that counts.
      await container.start();
      expect(await container.stdout()).toBe('started\n');
      for (const connection of silent) connection.drop();
    });

    it('and sent byte by byte is the same as whole', async () => {
      await using connection = await open();
      for (const byte of Buffer.concat([checkCall(1), checkCall(3)])) await connection.send(bytes(byte));
      expect((await connection.take(2)).map((answer) => [answer.streamId, answer.code])).toEqual([
        [1, OK],
        [3, OK],
      ]);
    });

    it('with nothing in it is a request of no service', async () => {
      await using connection = await open();
      await connection.send(frame(1, 1, Buffer.alloc(0)), checkCall(3));
      expect(await connection.next()).toMatchObject({ streamId: 1, code: INVALID_ARGUMENT });
      expect(await connection.next()).toMatchObject({ streamId: 3, code: OK });
    });

    it('and a thousand in one write are answered one by one, in order', async () => {
      await using connection = await open();
      const ids = Array.from({ length: 1000 }, (_, index) => 2 * index + 1);
      await connection.send(...ids.map(checkCall));
      expect((await connection.take(1000)).map((answer) => answer.streamId)).toEqual(ids);
    });

    it('still gets the answers it asked for when only our half is closed', async () => {
      await using connection = await open();
      await connection.send(checkCall(1), agentCall(3, 'GetGuestDetails'));
      connection.halfClose();
      expect((await connection.take(2)).map((answer) => answer.code)).toEqual([OK, OK]);
      await connection.closed();
    });
  });

  describe('TTR-03: types and flags nobody sends', () => {
    it('are ignored or refused on their stream, and the connection stays', async () => {
      await using connection = await open();
      for (let type = 0; type < 256; type++) {
        if (type === 1) continue;
        for (const flags of [0, 1, 2, 4, 5, 7, 0x80, 0xff]) {
          const streamId = 2 * type + 1;
          await connection.send(
            frame(streamId, type, bytes('junk'), flags),
            frame(streamId, type, Buffer.alloc(0), flags),
          );
        }
      }
      await connection.send(checkCall(100_001));
      expect(await connection.answerOn(100_001)).toMatchObject({ code: OK });
      for (const answer of connection.answers) expect(answer).toMatchObject({ type: 2, code: INVALID_ARGUMENT });
      // Only data frames are answered: type 3, on stream 7.
      expect(new Set(connection.answers.map((answer) => answer.streamId))).toEqual(new Set([7]));
    });

    it('on a request change nothing: every flag is tried', async () => {
      await using connection = await open();
      for (let flags = 0; flags < 256; flags++) {
        await connection.send(frame(2 * flags + 1, 1, requestBody({}), flags));
        const answer = await connection.answerOn(2 * flags + 1);
        expect([OK, INVALID_ARGUMENT]).toContain(answer.code);
      }
    });

    it('as data on a unary stream, before and after its end', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root });
      await using connection = await open();
      const wait = agentCall(1, 'WaitProcess', chunk(1, container.id));
      await connection.send(wait, frame(1, 3, bytes('data')), frame(1, 3, Buffer.alloc(0), 5), checkCall(3));
      expect(await connection.answerOn(3)).toMatchObject({ code: OK });
      expect(connection.answers).toEqual([]);
      await container.killAll();
      expect(await connection.answerOn(1)).toMatchObject({ code: OK });
      await connection.send(frame(1, 3, bytes('late'), 0));
      const late = await connection.answerOn(1);
      expect(late).toMatchObject({ code: INVALID_ARGUMENT });
      expect(late.text).toContain('Stream is no longer active');
    });
  });

  describe('TTR-04: stream ids', () => {
    it('that are even are refused', async () => {
      await using connection = await open();
      for (const streamId of [0, 2, 0xffff_fffe]) {
        await connection.send(checkCall(streamId));
        expect(await connection.next()).toMatchObject({
          streamId,
          code: INVALID_ARGUMENT,
          text: 'stream id must be odd',
        });
      }
    });

    it('may fall, come again after the answer, and wrap', async () => {
      await using connection = await open();
      for (const streamId of [9, 7, 9, 0xffff_ffff, 1, 0xffff_ffff]) {
        await connection.send(checkCall(streamId));
        expect(await connection.next()).toMatchObject({ streamId, code: OK });
      }
    });

    it('of a live call are refused, and the live call is undisturbed', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'read x; exit 5' });
      await using connection = await open();
      await connection.send(agentCall(1, 'WaitProcess', chunk(1, container.id)), checkCall(1), checkCall(3));
      expect(await connection.next()).toMatchObject({ streamId: 1, code: INVALID_ARGUMENT });
      expect(await connection.next()).toMatchObject({ streamId: 3, code: OK });
      await container.write('\n');
      expect(await connection.next()).toMatchObject({ streamId: 1, code: OK, payload: bytes([8, 5]) });
    });

    it('on two connections never meet', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'read x; exit 6' });
      await using one = await open();
      await using two = await open();
      await one.send(agentCall(1, 'WaitProcess', chunk(1, container.id)));
      await two.send(checkCall(1));
      expect(await two.next()).toMatchObject({ streamId: 1, code: OK, payload: bytes([8, 1]) });
      await container.write('\n');
      expect(await one.next()).toMatchObject({ streamId: 1, code: OK, payload: bytes([8, 6]) });
      expect(two.answers).toEqual([]);
    });
  });

  describe('TTR-09: messages made to hurt', () => {
    const nested = (depth: number, open: Buffer, close: Buffer): Buffer =>
      Buffer.concat([...Array.from({ length: depth }, () => open), ...Array.from({ length: depth }, () => close)]);
    /** Length-delimited messages inside each other, as deep as fits. */
    const deep = (field: number, depth: number): Buffer => {
      let message: Buffer = Buffer.alloc(0);
      for (let level = 0; level < depth; level++) message = chunk(field, message);
      return message;
    };
    const emptyMessages = (field: number, count: number): Buffer =>
      Buffer.alloc(count * (tag(field, 2).length + 1), Buffer.concat([tag(field, 2), varint(0)]));
    const OCI = (content: Buffer): Buffer => Buffer.concat([chunk(1, 'bomb'), chunk(6, content)]);

    it.each<[string, string, Buffer]>([
      ['groups nested 100,000 deep', 'Check', nested(100_000, tag(9, 3), tag(9, 4))],
      ['groups that never end', 'Check', nested(100_000, tag(9, 3), Buffer.alloc(0))],
      ['messages nested 1000 deep in a known field', 'CreateContainer', OCI(deep(4, 1000))],
      ['a field of 2^31 bytes', 'CreateContainer', Buffer.concat([tag(1, 2), varint(2 ** 31)])],
      ['a field longer than the message', 'CreateContainer', Buffer.concat([tag(1, 2), varint(100), Buffer.from('x')])],
      ['a varint of 11 bytes', 'ReadStdout', Buffer.concat([tag(3, 0), Buffer.alloc(11, 0xff)])],
      ['wire type 6', 'CreateContainer', tag(1, 6)],
      ['wire type 7', 'CreateContainer', tag(1, 7)],
      ['field 0', 'CreateContainer', Buffer.concat([tag(0, 0), varint(1)])],
      ['an end of group alone', 'CreateContainer', tag(3, 4)],
      ['a known field of the wrong wire type', 'CreateContainer', Buffer.concat([tag(1, 0), varint(1)])],
      ['a string that is not UTF-8', 'StartContainer', chunk(1, Buffer.from([0x66, 0xff, 0xfe]))],
      [
        '4 MiB of empty storages',
        'CreateContainer',
        Buffer.concat([chunk(1, 'bomb'), emptyMessages(5, 2 * MIB - 100)]),
      ],
      ['4 MiB of empty mounts', 'CreateContainer', OCI(emptyMessages(5, 2 * MIB - 100))],
      ['4 MiB of annotations without key', 'CreateContainer', OCI(emptyMessages(7, 2 * MIB - 100))],
      ['4 MiB of empty arguments', 'ExecProcess', Buffer.concat([chunk(4, emptyMessages(4, 2 * MIB - 100))])],
      ['4 MiB of unknown fields', 'Check', Buffer.alloc(4 * MIB - 100, Buffer.concat([tag(9, 0), varint(1)]))],
    ])('%s are refused quickly and leave no memory behind', async (_, method, payload) => {
      await using connection = await open();
      const service = method === 'Check' ? 'grpc.Health' : 'grpc.AgentService';
      await connection.send(frame(1, 1, requestBody({ service, method, payload })), checkCall(3));
      const answer = await connection.answerOn(1);
      expect([UNKNOWN, INVALID_ARGUMENT], answer.text).toContain(answer.code);
      expect(answer.text.length).toBeLessThan(1000);
      expect(await connection.answerOn(3)).toMatchObject({ code: OK });
      fixture.watched.bounded(64 << 10);
      await fixture.watched.alive();
    });

    it('unknown fields in small numbers are skipped, as newer hosts need it', async () => {
      await using connection = await open();
      const payload = Buffer.concat([tag(100, 0), varint(1), chunk(200, 'new'), tag(300, 5), Buffer.alloc(4)]);
      await connection.send(frame(1, 1, requestBody({ payload })));
      expect(await connection.next()).toMatchObject({ code: OK });
    });
  });

  describe('TTR-10: routing and metadata', () => {
    it.each<[string, string]>([
      ...['__proto__', 'constructor', 'toString', '', 'Check\0', 'grpc.Health/Check', '../Check'].map(
        (name): [string, string] => [name, name],
      ),
      ['of 1 MiB', 'x'.repeat(MIB)],
    ])('service or method %j is no method', async (_, name) => {
      await using connection = await open();
      await connection.send(frame(1, 1, requestBody({ service: name })), frame(3, 1, requestBody({ method: name })));
      const [service, method] = [await connection.answerOn(1), await connection.answerOn(3)];
      expect(service.code).toBe(INVALID_ARGUMENT);
      expect([UNIMPLEMENTED, INVALID_ARGUMENT]).toContain(method.code);
      expect(service.text.length + method.text.length).toBeLessThan(1000);
      await connection.send(checkCall(5));
      expect(await connection.answerOn(5)).toMatchObject({ code: OK });
    });

    it('10,000 pairs of metadata are taken or refused, not obeyed', async () => {
      await using connection = await open();
      const metadata = Array.from({ length: 10_000 }, (_, index) => [`k${index}`, '__proto__'] as const);
      await connection.send(frame(1, 1, requestBody({ metadata })), checkCall(3));
      expect([OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED]).toContain((await connection.answerOn(1)).code);
      expect(await connection.answerOn(3)).toMatchObject({ code: OK });
    });

    it.each([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 1n])(
      'a deadline of %i ns never becomes a busy timer',
      async (timeoutNano) => {
        await using container = await TestContainer.start(fixture.client, { root: fixture.root });
        await using connection = await open();
        const body = (method: string) =>
          requestBody({ service: 'grpc.AgentService', method, payload: chunk(1, container.id), timeoutNano });
        await connection.send(frame(1, 1, body('WaitProcess')), frame(3, 1, requestBody({ timeoutNano })));
        expect([OK, 4]).toContain((await connection.answerOn(3)).code);
        await container.killAll();
        expect([OK, 4]).toContain((await connection.answerOn(1)).code);
      },
    );
  });

  describe('TTR-11: answers', () => {
    it('are never longer than a frame, whatever length is asked for', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: ['yes'] });
      await using connection = await open();
      for (const length of [0xffff_ffff, 0x8000_0000, 16 * MIB]) {
        const payload = Buffer.concat([chunk(1, container.id), tag(3, 0), varint(length)]);
        await connection.send(agentCall(1, 'ReadStdout', payload));
        const answer = await connection.next();
        expect(answer.code).toBe(OK);
        expect(answer.body.length).toBeLessThanOrEqual(LIMIT);
      }
    });

    it('that explain a hostile name stay short', async () => {
      await using connection = await open();
      await connection.send(agentCall(1, 'StartContainer', chunk(1, 'n'.repeat(4 * MIB - 100))));
      const answer = await connection.next();
      expect([NOT_FOUND, INVALID_ARGUMENT]).toContain(answer.code);
      expect(answer.body.length).toBeLessThan(20_000);
    });
  });

  it('TTR-02: random bytes are answered or end the connection, and harm nobody', async () => {
    let seed = 12345;
    const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16;
    for (let round = 0; round < amount(200, 5000); round++) {
      await using connection = await open();
      const length = random() % 300;
      const body = Buffer.from(Array.from({ length }, () => random() & 0xff));
      // Half of them with a header that says how long they are.
      await connection.send(random() % 2 === 0 ? frame(random() | 1, 1, body) : body);
    }
    await fixture.watched.alive();
  });
});
