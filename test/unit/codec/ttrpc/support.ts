import { FixedFrameBudget } from '../../../../agent/src/codec/ttrpc/frame-budget.ts';
import { encodeFrameHeader, FRAME_HEADER_SIZE } from '../../../../agent/src/codec/ttrpc/frame.ts';
import type { ResponseEnvelope as Response } from '../../../../agent/src/codec/ttrpc/envelope.ts';
import { encodeRequestFrame, ResponseEnvelope } from '../../../../agent/src/codec/ttrpc/envelope.ts';
import { FrameDecoder } from '../../../../agent/src/codec/ttrpc/frame-decoder.ts';
import type { FrameHeader } from '../../../../agent/src/codec/ttrpc/frame.ts';
import type { ServerCall } from '../../../../agent/src/codec/ttrpc/server-call.ts';
import { ServerConnection } from '../../../../agent/src/codec/ttrpc/server-connection.ts';
import type { ServerLimits } from '../../../../agent/src/codec/ttrpc/server-limits.ts';
import { services } from '../../../../proto/gen/services.js';

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

export function rawFrame(
  streamId: number,
  type: number,
  flags: number,
  body: Uint8Array,
  length = body.length,
): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_SIZE + body.length);
  encodeFrameHeader(frame, 0, length, streamId, type, flags);
  frame.set(body, FRAME_HEADER_SIZE);
  return frame;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function request(
  streamId: number,
  method: string,
  message: object = {},
  service = 'grpc.AgentService',
): Uint8Array {
  const codec = services.find(service, method);
  return encodeRequestFrame(streamId, {
    service,
    method,
    payload: codec?.request.encode(message) ?? new Uint8Array(0),
  });
}

export interface Answer {
  readonly header: FrameHeader;
  readonly response: Response;
}

/** Everything a peer would read, `pieceSize` bytes at a time. */
export function drain(connection: ServerConnection, pieceSize = 1 << 20): Answer[] {
  const answers: Answer[] = [];
  const decoder = new FrameDecoder(new FixedFrameBudget(1 << 30));
  for (let piece = connection.output(pieceSize); piece !== undefined; piece = connection.output(pieceSize)) {
    decoder.feed(piece, {
      frame: (header, body) => {
        answers.push({ header, response: ResponseEnvelope.decode(body) });
        return true;
      },
      discarded: () => {
        throw new Error('a frame above the limit was sent');
      },
    });
    connection.wrote(piece.length);
  }
  return answers;
}

/** `stream code text` of every answer, the way the contract's table reads. */
export function statuses(connection: ServerConnection): string[] {
  return drain(connection).map(({ header, response }) =>
    `${header.streamId} ${response.status?.code ?? 'none'} ${response.status?.message ?? ''}`.trim(),
  );
}

export interface Harness {
  readonly connection: ServerConnection;
  readonly calls: ServerCall[];
  readonly budget: FixedFrameBudget;
}

export function serve(
  options: { onCall?: (call: ServerCall) => void; limits?: Partial<ServerLimits>; budget?: number } = {},
): Harness {
  const calls: ServerCall[] = [];
  const budget = new FixedFrameBudget(options.budget ?? 16 << 20);
  const connection = new ServerConnection({
    methods: services,
    budget,
    onCall: (call) => {
      calls.push(call);
      options.onCall?.(call);
    },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  return { connection, calls, budget };
}
