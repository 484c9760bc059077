import { Duplex } from 'node:stream';
import { ServerConnection } from '../../../agent/src/codec/ttrpc/server-connection.ts';
import type { ServerCall } from '../../../agent/src/codec/ttrpc/server-call.ts';
import { unlimitedFrameBudget } from '../../../agent/src/codec/ttrpc/frame-budget.ts';
import { AgentClient } from '../../../host/client/agent-client.ts';
import { services } from '../../../proto/gen/services.js';

/** What a fake agent does with a call. Returning nothing leaves it open. */
export type FakeHandler = (request: never, call: ServerCall) => object | undefined | Promise<object | undefined>;

/** Two ends of a byte stream in memory. */
export function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk: Uint8Array, _encoding, callback) {
        setImmediate(() => {
          other().push(chunk);
          callback();
        });
      },
      final(callback) {
        other().push(null);
        callback();
      },
      destroy(error, callback) {
        setImmediate(() => other().push(null));
        callback(error);
      },
    });
  const left: Duplex = make(() => right);
  const right: Duplex = make(() => left);
  return [left, right];
}

/** An agent that answers by table, over the real wire format. */
export class InMemoryAgent {
  readonly calls: { readonly method: string; readonly request: object; readonly call: ServerCall }[] = [];
  readonly client: AgentClient;
  readonly serverStream: Duplex;

  constructor(handlers: Readonly<Record<string, FakeHandler>> = {}) {
    const [clientEnd, serverEnd] = duplexPair();
    this.serverStream = serverEnd;
    const connection = new ServerConnection({
      methods: services,
      budget: unlimitedFrameBudget,
      onCall: (call) => {
        this.calls.push({ method: call.method, request: call.request, call });
        void this.#answer(call, handlers[call.method]).then(() => flush());
      },
    });
    const flush = (): void => {
      for (let bytes = connection.output(65536); bytes !== undefined; bytes = connection.output(65536)) {
        serverEnd.write(Buffer.from(bytes));
        connection.wrote(bytes.length);
      }
    };
    serverEnd.on('data', (chunk: Uint8Array) => {
      connection.receive(chunk);
      flush();
    });
    serverEnd.on('error', () => undefined);
    this.client = new AgentClient(clientEnd);
  }

  async #answer(call: ServerCall, handler: FakeHandler | undefined): Promise<void> {
    if (handler === undefined) {
      call.reply({});
      return;
    }
    try {
      const response = await handler(call.request as never, call);
      if (response !== undefined) call.reply(response);
    } catch (error) {
      const { code = 13, message } = error as { code?: number; message: string };
      call.fail(code, message);
    }
  }

  /** Names of the methods called so far. */
  get methods(): string[] {
    return this.calls.map(({ method }) => method);
  }
}
