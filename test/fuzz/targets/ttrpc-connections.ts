/** The state machines of both ends of a connection, driven by mutated frames and by an owner that does everything in any order. */
import fc from 'fast-check';
import { MAX_FRAME_LENGTH, encodeFrameHeader, FRAME_HEADER_SIZE } from '../../../agent/src/codec/ttrpc/frame.ts';
import { ClientConnection } from '../../../agent/src/codec/ttrpc/client-connection.ts';
import { encodeRequestFrame, encodeStatusFrame, ResponseEnvelope } from '../../../agent/src/codec/ttrpc/envelope.ts';
import { FixedFrameBudget, unlimitedFrameBudget } from '../../../agent/src/codec/ttrpc/frame-budget.ts';
import { FrameDecoder } from '../../../agent/src/codec/ttrpc/frame-decoder.ts';
import { RpcError } from '../../../agent/src/codec/ttrpc/rpc-error.ts';
import type { ServerCall } from '../../../agent/src/codec/ttrpc/server-call.ts';
import { ServerConnection } from '../../../agent/src/codec/ttrpc/server-connection.ts';
import { services } from '../../../proto/gen/services.js';
import { promise } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes, pieces } from '../support/fuzz-target.ts';

const BUDGET_BYTES = 1 << 20;

function frame(streamId: number, type: number, flags: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_SIZE + body.length);
  encodeFrameHeader(bytes, 0, body.length, streamId, type, flags);
  bytes.set(body, FRAME_HEADER_SIZE);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Small ids, so that streams meet again. */
const streamId = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }) },
);

const names: readonly (readonly [service: string, method: string])[] = [
  ['grpc.Health', 'Check'],
  ['grpc.AgentService', 'WriteStdin'],
  ['grpc.AgentService', 'WaitProcess'],
  ['grpc.AgentService', 'NoSuchMethod'],
  ['no.such.Service', 'Check'],
];

const request = fc
  .record({
    id: streamId,
    name: fc.constantFrom(...names),
    // The largest needs the shared budget.
    size: fc.oneof(
      { weight: 20, arbitrary: fc.nat({ max: 200 }) },
      { weight: 1, arbitrary: fc.constantFrom(30_000, 70_000) },
    ),
    timeout: fc.bigInt({ min: -1n, max: 1n << 62n }),
  })
  .map(({ id, name: [service, method], size, timeout }) => {
    const payload = services.find('grpc.AgentService', 'WriteStdin')!.request.encode({ data: new Uint8Array(size) });
    const carried = method === 'WriteStdin' ? payload : new Uint8Array(0);
    return encodeRequestFrame(id, { service, method, payload: carried, timeout_nano: timeout });
  });

const anyFrame = fc
  .record({
    id: streamId,
    type: fc.integer({ min: 0, max: 4 }),
    flags: fc.integer({ min: 0, max: 7 }),
    body: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ id, type, flags, body }) => frame(id, type, flags, body));

const oneRequest = encodeRequestFrame(1, { service: 'grpc.Health', method: 'Check', payload: new Uint8Array(0) });

const requestBytes = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: request },
        { weight: 2, arbitrary: anyFrame },
        { weight: 2, arbitrary: mutatedBytes([oneRequest]) },
      ),
      { maxLength: 5 },
    ),
    fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
  )
  .map(([parts, lengths]) => pieces(joined(parts), lengths));

type ServerStep =
  | { readonly do: 'receive'; readonly chunks: readonly Uint8Array[] }
  | { readonly do: 'reply' | 'fail' | 'expire' | 'reply wrongly'; readonly which: number }
  | { readonly do: 'write'; readonly bytes: number }
  | { readonly do: 'end' | 'close' };

const serverStep: fc.Arbitrary<ServerStep> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('receive' as const), chunks: requestBytes }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('reply' as const, 'fail' as const, 'expire' as const, 'reply wrongly' as const),
      which: fc.nat({ max: 20 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 2000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'close' as const) }) },
);

function answer(call: ServerCall, how: ServerStep['do']): void {
  if (how === 'reply') call.reply({});
  else if (how === 'expire') call.expire();
  else if (how === 'reply wrongly') call.reply({ exit_code: 'text', status: {}, data: 5 });
  else call.fail(13, 'x'.repeat(2000));
}

/** What the peer reads: whole response frames, each with an answer in it. */
function checkAnswers(bytes: Uint8Array): void {
  const decoder = new FrameDecoder(unlimitedFrameBudget);
  decoder.feed(bytes, {
    frame(header, body) {
      promise('only responses are sent', header.type === 2);
      ResponseEnvelope.decode(body);
      return true;
    },
    discarded: () => {
      throw new Error('a frame above the limit was sent');
    },
  });
}

function serve(steps: readonly ServerStep[]): void {
  const budget = new FixedFrameBudget(BUDGET_BYTES);
  const calls: ServerCall[] = [];
  const limits = {
    maxCalls: 8,
    maxRequestBytes: 100_000,
    pauseOutputBytes: 3000,
    pauseOutputFrames: 5,
    maxOutputBytes: 20_000,
  };
  const connection = new ServerConnection({
    methods: services,
    budget,
    onCall: (call) => void calls.push(call),
    limits,
  });
  const sent: Uint8Array[] = [];
  for (const step of steps) {
    switch (step.do) {
      case 'receive':
        for (const chunk of step.chunks) {
          connection.receive(chunk);
          // An owner stops reading when it is asked to, at the latest after what it had read already.
          if (!connection.wantsInput) break;
        }
        break;
      case 'write': {
        const bytes = connection.output(step.bytes);
        if (bytes === undefined) break;
        sent.push(bytes.slice());
        connection.wrote(bytes.length);
        break;
      }
      case 'end':
        connection.endInput();
        break;
      case 'close':
        connection.close();
        break;
      default:
        if (calls.length > 0) answer(calls[step.which % calls.length]!, step.do);
    }
    const open = calls.filter((call) => call.isOpen);
    promise('calls are counted', connection.callCount === open.length && open.length <= limits.maxCalls);
    promise('a stream has one call', new Set(open.map((call) => call.streamId)).size === open.length);
    promise('the budget holds', budget.free >= 0 && budget.free <= BUDGET_BYTES);
  }
  for (let bytes = connection.output(1 << 20); bytes !== undefined; bytes = connection.output(1 << 20)) {
    sent.push(bytes.slice());
    connection.wrote(bytes.length);
  }
  checkAnswers(joined(sent));
  connection.close();
  promise('a closed connection holds nothing', connection.callCount === 0 && connection.outputBytes === 0);
  promise('and gives its memory back', budget.free === BUDGET_BYTES);
  promise('and is done', connection.isDone && !connection.wantsInput);
}

const response = fc
  .record({
    id: streamId,
    code: fc.nat({ max: 20 }),
    text: fc.string({ maxLength: 20 }),
    payload: fc.option(fc.uint8Array({ maxLength: 20 })),
  })
  .map(({ id, code, text, payload }) =>
    payload === null
      ? encodeStatusFrame(id, code, text.toWellFormed())
      : frame(id, 2, 0, ResponseEnvelope.encode({ status: undefined, payload })),
  );

const responseBytes = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: response },
        { weight: 1, arbitrary: anyFrame },
        { weight: 2, arbitrary: mutatedBytes([encodeStatusFrame(1, 5, 'gone')]) },
      ),
      { maxLength: 5 },
    ),
    fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
  )
  .map(([parts, lengths]) => pieces(joined(parts), lengths));

type ClientStep =
  | { readonly do: 'receive'; readonly chunks: readonly Uint8Array[] }
  | { readonly do: 'call' | 'cancel'; readonly which: number }
  | { readonly do: 'write'; readonly bytes: number }
  | { readonly do: 'end' };

const clientStep: fc.Arbitrary<ClientStep> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('receive' as const), chunks: responseBytes }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('call' as const, 'call' as const, 'cancel' as const),
      which: fc.nat({ max: 20 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), bytes: fc.integer({ min: 1, max: 2000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
);

function write(connection: ClientConnection, maxBytes: number): void {
  const bytes = connection.output(maxBytes);
  if (bytes !== undefined) connection.wrote(bytes.length);
}

function use(steps: readonly ClientStep[]): void {
  const connection = new ClientConnection(new FixedFrameBudget(BUDGET_BYTES));
  /** How often each call ended, by stream id. */
  const ends = new Map<number, number>();
  const count = (): number => [...ends.values()].filter((times) => times === 0).length;
  const start = (which: number): void => {
    const [service, method] = names[which % 3]!;
    const { response: codec } = services.find(service, method)!;
    let id = -1;
    const end = (): void => void ends.set(id, (ends.get(id) ?? 0) + 1);
    id = connection.call({ service, method, payload: new Uint8Array(which), codec }, { response: end, error: end });
    promise('an id is odd and free', id % 2 === 1 && id < MAX_FRAME_LENGTH && !ends.has(id));
    ends.set(id, 0);
  };
  for (const step of steps) {
    if (step.do === 'receive') for (const chunk of step.chunks) connection.receive(chunk);
    else if (step.do === 'cancel') connection.cancel(1 + 2 * step.which, new RpcError(1, 'given up', 'local'));
    else if (step.do === 'end') connection.endInput();
    else if (step.do === 'write') write(connection, step.bytes);
    else if (connection.failure === undefined) start(step.which);
    promise('calls that wait are counted', connection.pendingCount === count());
    promise(
      'no call ends twice',
      [...ends.values()].every((times) => times <= 1),
    );
  }
  connection.fail(new RpcError(14, 'over', 'local'));
  promise('every call ends', [...ends.values()].every((times) => times === 1) && connection.pendingCount === 0);
  promise('nothing is left to write', connection.outputBytes === 0);
}

export const connectionTargets: readonly FuzzTarget[] = [
  fuzzTarget({ name: 'ttrpc-server', input: fc.array(serverStep, { maxLength: 25 }), errors: [], run: serve }),
  fuzzTarget({ name: 'ttrpc-client', input: fc.array(clientStep, { maxLength: 25 }), errors: [], run: use }),
];
