/** What the host reads: from QEMU, from vsock helpers and the guest, from root filesystems and from its own files. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { parseLogLine } from '../../../host/cli/container-log.ts';
import { parseGroup, parsePasswd, resolveUser } from '../../../host/sdk/rootfs-users.ts';
import { dialHybridVsock } from '../../../host/vm/hybrid-vsock.ts';
import { HostError } from '../../../host/vm/host-error.ts';
import { parseStartTime } from '../../../host/vm/process-identity.ts';
import { Qmp } from '../../../host/vm/qmp.ts';
import { listenForReady } from '../../../host/vm/ready-listener.ts';
import { promise } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes, mutatedText, pieces } from '../support/fuzz-target.ts';

const users = fuzzTarget({
  name: 'host-users',
  input: fc.record({
    passwd: mutatedText(['root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\nnohome:x:5:5::\n']),
    group: mutatedText(['root:x:0:\nwheel:x:10:root,user\nuser:x:1000:\n']),
    user: fc.oneof(fc.constantFrom('user', 'root', '0', '1000:10', 'user:wheel', ':5', '4294967295', ''), fc.string()),
  }),
  errors: [HostError],
  run: ({ passwd, group, user }) => {
    const { uid, gid, additionalGids } = resolveUser(user, { users: parsePasswd(passwd), groups: parseGroup(group) });
    promise(
      'ids are ids',
      [uid, gid, ...additionalGids].every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 32),
    );
  },
});

const files = fuzzTarget({
  name: 'host-files',
  input: mutatedText([
    '{"t":1700000000000,"s":"stdout","d":"aGVsbG8K"}',
    '1 (a) b) c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 10 18446744073709551615',
  ]),
  errors: [],
  run: (text) => {
    const record = parseLogLine(text);
    promise('a stream is one of two', record === undefined || ['stdout', 'stderr'].includes(record.stream));
    parseStartTime(text);
  },
});

const qmpLines = [
  '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}\r\n',
  '{"return": {}, "id": 1}\r\n{"return": {"status": "running"}, "id": 2}\r\n',
  '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}\r\n',
  '{"id": 2, "error": {"class": "GenericError", "desc": "Device not found"}}\r\n',
  'null\r\n[]\r\n5\r\n"x"\r\n{"id": 1, "error": null}\r\n{"id": null, "error": 7}\r\n',
];

/** A stream whose bytes the test brings by `emit`, so that what is thrown while reading them comes back to the test. */
function silentStream(): Duplex {
  return new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
}

const qmp = fuzzTarget({
  name: 'host-qmp',
  input: fc
    .tuple(fc.boolean(), mutatedText([...qmpLines, qmpLines.join('')]), fc.integer({ min: 1, max: 200 }))
    .map(([isGreeted, text, size]) => ({
      text: (isGreeted ? `${qmpLines[0]}{"return": {}, "id": 1}\n` : '') + text,
      size,
    })),
  errors: [HostError],
  run: async ({ text, size }) => {
    const stream = silentStream();
    stream.on('error', () => undefined);
    const outcome = Qmp.open(stream).then((client) => client.execute('query-status'));
    // Whatever is thrown below, this promise must not be left without a listener.
    const settled = outcome.then(
      () => undefined,
      (error: unknown) => error,
    );
    const cuts = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      text.slice(index * size, (index + 1) * size),
    );
    try {
      for (const chunk of cuts) {
        stream.emit('data', chunk);
        await Promise.resolve();
      }
    } finally {
      stream.destroy();
    }
    const error = await settled;
    if (error !== undefined) throw error;
  },
});

/** One socket for all cases; what is sent to whoever connects is set before each. */
class AnsweringServer {
  static #shared: Promise<AnsweringServer> | undefined;
  readonly path: string;
  chunks: readonly Uint8Array[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  static shared(): Promise<AnsweringServer> {
    return (this.#shared ??= this.#create());
  }

  static async #create(): Promise<AnsweringServer> {
    const directory = await mkdtemp(join(tmpdir(), 'kihon-fuzz-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const answering = new AnsweringServer(join(directory, 'vsock'));
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      for (const chunk of answering.chunks) socket.write(chunk);
      socket.end();
    });
    await new Promise<void>((listening) => server.listen(answering.path, listening));
    server.unref();
    return answering;
  }
}

const hybridVsock = fuzzTarget({
  name: 'host-hybrid-vsock',
  input: fc.tuple(
    mutatedBytes(
      ['OK 1073741824\n', 'OK 5\nREADY=1\n', 'ERR\n', `${'x'.repeat(200)}OK`].map((text) => Buffer.from(text)),
    ),
    fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
  ),
  errors: [HostError],
  run: async ([bytes, lengths]) => {
    const server = await AnsweringServer.shared();
    server.chunks = pieces(bytes.slice(0, 2000), lengths);
    const end = bytes.indexOf(0x0a);
    const stream = await dialHybridVsock(server.path, 1024, { timeoutMs: 30_000 });
    const rest: Buffer[] = [];
    try {
      for await (const chunk of stream) rest.push(chunk as Buffer);
    } catch (error) {
      // A peer that closed at once may reset what we still wrote.
      promise(
        'only the socket may fail',
        (error as NodeJS.ErrnoException).code === 'ECONNRESET' || (error as NodeJS.ErrnoException).code === 'EPIPE',
      );
      return;
    } finally {
      stream.destroy();
    }
    promise('what follows the answer is kept', Buffer.concat(rest).equals(bytes.slice(end + 1, 2000)));
  },
});

function sendAndClose(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  return new Promise((done) => {
    const socket: Socket = connect(path);
    socket.on('error', () => undefined).on('close', () => done());
    socket.resume();
    for (const chunk of chunks) socket.write(chunk);
    socket.end();
  });
}

const ready = fuzzTarget({
  name: 'host-ready-message',
  input: fc.tuple(
    mutatedBytes(['READY=1\n', 'READY=0\nREADY=1\n', 'R'].map((text) => Buffer.from(text))),
    fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  ),
  errors: [HostError],
  run: async ([bytes, lengths]) => {
    const { path } = await AnsweringServer.shared();
    using listener = await listenForReady(path, 1040);
    await sendAndClose(`${path}_1040`, pieces(bytes.slice(0, 500), lengths));
    await new Promise((resolve) => setImmediate(resolve));
    const text = Buffer.from(bytes).toString('latin1');
    const state = await Promise.race([listener.ready.then(() => 'ready'), Promise.resolve('waiting')]);
    promise('only the right message counts', state === 'waiting' || text.startsWith('READY=1\n'));
  },
});

export const hostTargets: readonly FuzzTarget[] = [users, files, qmp, hybridVsock, ready];
