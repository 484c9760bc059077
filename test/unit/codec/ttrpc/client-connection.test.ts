import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as api from '../../../../proto/gen/agent.js';
import { ClientConnection } from '../../../../agent/src/codec/ttrpc/client-connection.ts';
import {
  encodeStatusFrame,
  finishResponseFrame,
  RESPONSE_RESERVE,
} from '../../../../agent/src/codec/ttrpc/envelope.ts';
import { FixedFrameBudget } from '../../../../agent/src/codec/ttrpc/frame-budget.ts';
import { RpcError } from '../../../../agent/src/codec/ttrpc/rpc-error.ts';
import { concat, hex, rawFrame, serve } from './support.ts';

function start(budget?: FixedFrameBudget) {
  const connection = new ClientConnection(budget);
  const results: string[] = [];
  const errors: RpcError[] = [];
  const check = (): number =>
    connection.call(
      { service: 'grpc.Health', method: 'Check', payload: new Uint8Array(0), codec: api.HealthCheckResponse },
      {
        response: (response) => results.push(`status ${response.status}`),
        error: (error) => {
          errors.push(error);
          results.push(error.message);
        },
      },
    );
  return { connection, results, errors, check };
}

const serving = (streamId: number): Uint8Array =>
  finishResponseFrame(streamId, api.HealthCheckResponse.encode({ status: 1 }, RESPONSE_RESERVE));

describe('ClientConnection', () => {
  test('talks to ServerConnection, byte by byte', () => {
    const client = start();
    const server = serve({ onCall: (call) => call.reply({ status: 1 }) });
    expect([client.check(), client.check()]).toEqual([1, 3]);
    const pump = (): void => {
      for (let piece = client.connection.output(1); piece !== undefined; piece = client.connection.output(1)) {
        server.connection.receive(piece);
        client.connection.wrote(piece.length);
      }
      for (let piece = server.connection.output(1); piece !== undefined; piece = server.connection.output(1)) {
        client.connection.receive(piece);
        server.connection.wrote(piece.length);
      }
    };
    pump();
    expect(client.results).toEqual(['status 1', 'status 1']);
    expect(client.connection.pendingCount).toBe(0);
  });

  test('takes a response without a status', () => {
    const { connection, results, check } = start();
    check();
    connection.receive(rawFrame(1, 2, 0, hex('12 02 08 01')));
    expect(results).toEqual(['status 1']);
  });

  test('reports a status of the peer with its code', () => {
    const { connection, errors, check } = start();
    check();
    connection.receive(encodeStatusFrame(1, 5, 'no such thing'));
    expect(errors[0]).toBeInstanceOf(RpcError);
    expect(errors[0]?.code).toBe(5);
    expect(errors[0]?.origin).toBe('peer');
    expect(errors[0]?.message).toBe('NOT_FOUND: no such thing');
  });

  test('a cancelled call ends at once, and its late answer is dropped', () => {
    const { connection, results, check } = start();
    const streamId = check();
    connection.cancel(streamId, new RpcError(4, 'too late', 'local'));
    connection.cancel(streamId, new RpcError(4, 'twice', 'local'));
    connection.receive(serving(streamId));
    expect(results).toEqual(['DEADLINE_EXCEEDED: too late']);
    expect(connection.failure).toBeUndefined();
  });

  test('the end of the connection fails pending and later calls', () => {
    const { connection, results, check } = start();
    check();
    connection.receive(serving(1).subarray(0, 7));
    connection.endInput();
    expect(results).toEqual(['UNAVAILABLE: connection closed in the middle of a frame']);
    expect(check).toThrow(RpcError);
  });
});

describe('a hostile server (VMB-12)', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['answers on a stream never used', serving(99), /never used/],
    ['answers on an even stream', serving(2), /never used/],
    ['sends data frames', rawFrame(1, 3, 1, hex('00')), /data frame/],
    ['sends an envelope that does not decode', rawFrame(1, 2, 0, hex('0aff')), /Check response does not decode/],
    ['sends a message that does not decode', rawFrame(1, 2, 0, hex('12 01 08')), /Check response does not decode/],
    ['sends an oversized frame', rawFrame(1, 2, 0, new Uint8Array((4 << 20) + 1)), /exceed maximum/],
  ])('that %s gives a typed error', (_what, bytes, message) => {
    const { connection, errors, check } = start();
    check();
    connection.receive(bytes);
    expect(errors.length).toBe(1);
    expect(errors[0]).toBeInstanceOf(RpcError);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.origin).toBe('local');
    expect(connection.pendingCount).toBe(0);
  });

  test('that answers twice changes nothing', () => {
    const { connection, results, check } = start();
    check();
    connection.receive(concat(serving(1), serving(1)));
    expect(results).toEqual(['status 1']);
  });

  test('that declares 4 GiB and drips takes no memory', () => {
    const budget = new FixedFrameBudget(1 << 20);
    const { connection, check } = start(budget);
    check();
    connection.receive(rawFrame(1, 2, 0, new Uint8Array(100), 0xffff_ffff));
    for (let index = 0; index < 1000; index++) connection.receive(new Uint8Array(4096));
    expect(budget.free).toBe(1 << 20);
    expect(connection.pendingCount).toBe(1);
  });

  test('that sends a code outside the table or a huge text is still a typed error', () => {
    const { connection, errors, check } = start();
    check();
    connection.receive(encodeStatusFrame(1, -7, 'x'.repeat(100_000)));
    expect(errors[0]?.code).toBe(-7);
    expect(errors[0]?.message.length).toBeLessThan(20_000);
  });

  test('that sends garbage never makes it throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        const { connection, errors, check } = start();
        check();
        for (const chunk of chunks) connection.receive(chunk);
        connection.endInput();
        expect(connection.pendingCount).toBe(0);
        expect(errors.every((error) => error instanceof RpcError)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 40 }), (streamId, body) => {
        const { connection, results, check } = start();
        check();
        connection.receive(rawFrame(streamId, 2, 0, body));
        connection.endInput();
        expect(results.length).toBe(1);
      }),
    );
  });
});
