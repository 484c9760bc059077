import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dialHybridVsock } from '../../../../host/vm/hybrid-vsock.ts';
import { dialVsock } from '../../../../host/vm/vsock-transport.ts';

let directory = '';
let server: Server | undefined;
const sockets = new Set<Socket>();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kihon-test-'));
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const path = join(directory, 's');
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return path;
}

describe('dialHybridVsock', () => {
  test('sends CONNECT, takes OK, and keeps bytes that came with it', async () => {
    let asked = '';
    const path = await listen((socket) =>
      socket.on('data', (chunk) => {
        asked += chunk.toString();
        socket.write('OK 1073741824\nhello');
      }),
    );
    const stream = await dialHybridVsock(path, 1024, { timeoutMs: 20_000 });
    const chunk = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
    expect(asked).toBe('CONNECT 1024\n');
    expect(chunk.toString()).toBe('hello');
    stream.destroy();
  });

  test('an answer in single bytes is an answer', async () => {
    const path = await listen((socket) => {
      socket.setNoDelay(true);
      void (async () => {
        for (const byte of 'OK 5\n') {
          socket.write(byte);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      })();
    });
    (await dialHybridVsock(path, 1024, { timeoutMs: 20_000 })).destroy();
  });

  test.each([
    ['closes at once', (socket: Socket) => void socket.end(), /refused/],
    [
      'answers something else',
      (socket: Socket) => void socket.write('NO such port\n'),
      /CONNECT was answered with "NO/,
    ],
    ['never ends its line', (socket: Socket) => void socket.write('O'.repeat(4096)), /has no end/],
    ['hides OK behind a long line', (socket: Socket) => void socket.write(`${'x'.repeat(200)}OK\n`), /answered with/],
  ])('a peer that %s is an error', async (_name, behave, message) => {
    const path = await listen(behave);
    await expect(dialHybridVsock(path, 1024, { timeoutMs: 20_000 })).rejects.toThrow(message);
  });

  test('a peer that is silent is an error at the deadline', async () => {
    const path = await listen(() => undefined);
    await expect(dialHybridVsock(path, 1024, { timeoutMs: 100 })).rejects.toThrow('no answer in 100 ms');
  });

  test('an abort ends the attempt with its reason', async () => {
    const path = await listen(() => undefined);
    const abort = new AbortController();
    const dialing = dialHybridVsock(path, 1024, { timeoutMs: 20_000, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(dialing).rejects.toThrow('enough');
  });

  test('a missing socket is an error with its path', async () => {
    await expect(dialHybridVsock(join(directory, 'none'), 1024, { timeoutMs: 20_000 })).rejects.toThrow(
      /through .*none/,
    );
  });
});

test('dialVsock() tries again until somebody answers', async () => {
  let attempts = 0;
  const path = await listen((socket) => {
    attempts += 1;
    if (attempts < 3) socket.end();
    else socket.write('OK 1\n');
  });
  (await dialVsock({ kind: 'hybrid', path }, 1024, { timeoutMs: 20_000 })).destroy();
  expect(attempts).toBe(3);
});

/** What the other side sees of a connection's end: `end`, or the error's code. */
async function outcome(socket: Socket): Promise<string> {
  return await new Promise<string>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.resume();
  });
}

/** A listener, and the connections to it in their order. */
async function listenFor(count: number): Promise<{ path: string; connections: Promise<Socket[]> }> {
  const accepted: Socket[] = [];
  let onEnough: (sockets: Socket[]) => void = () => undefined;
  const connections = new Promise<Socket[]>((resolve) => (onEnough = resolve));
  const path = await listen((socket) => {
    // Its CONNECT was read, as the device does before it asks the guest.
    socket.once('data', () => {
      if (accepted.push(socket) === count) onEnough(accepted);
    });
  });
  return { path, connections };
}

describe('a connection over a hybrid vsock', () => {
  test('ends in order, with bytes on the way that nobody reads', async () => {
    const { path, connections } = await listenFor(1);
    const dialing = dialHybridVsock(path, 1024, { timeoutMs: 20_000 });
    const [socket] = (await connections) as [Socket];
    socket.write(`OK 5\n${'x'.repeat(64)}`);
    const stream = await dialing;
    socket.write('y'.repeat(4 << 20));
    stream.destroy();
    expect(await outcome(socket)).toBe('end');
  });

  test('carries what is written in one go, and the end of each side', async () => {
    const { path, connections } = await listenFor(1);
    const dialing = dialHybridVsock(path, 1024, { timeoutMs: 20_000 });
    const [socket] = (await connections) as [Socket];
    socket.write('OK 5\n');
    const stream = await dialing;
    for (const word of ['a', 'b', 'c']) stream.write(word);
    stream.end('d');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write('bye');
    expect(String(await once(stream, 'data'))).toBe('bye');
    // The server ends its side when it has read the end of ours.
    await once(stream, 'close');
    expect(Buffer.concat(chunks).toString()).toBe('abcd');
  });

  test('that is given up stays open until it is answered', async () => {
    const { path, connections } = await listenFor(1);
    await expect(dialHybridVsock(path, 1024, { timeoutMs: 100 })).rejects.toThrow('no answer');
    const [socket] = (await connections) as [Socket];
    let hasEnded = false;
    const ended = outcome(socket).finally(() => (hasEnded = true));
    // Whatever was sent before this connection was made would have arrived with it.
    (await dialAnswered(path)).destroy();
    expect(hasEnded).toBe(false);
    socket.write('OK 5\n');
    expect(await ended).toBe('end');
  });
});

/** A connection to the same listener that is answered at once. */
async function dialAnswered(path: string): Promise<Awaited<ReturnType<typeof dialHybridVsock>>> {
  server?.once('connection', (socket: Socket) => socket.write('OK 6\n'));
  return await dialHybridVsock(path, 1024, { timeoutMs: 20_000 });
}

describe('dialVsock() to a guest that is slow to answer', () => {
  test('takes the answer to the first connection, though it tried a second', async () => {
    const { path, connections } = await listenFor(2);
    const dialing = dialVsock({ kind: 'hybrid', path }, 1024, { timeoutMs: 60_000 });
    const [first, second] = (await connections) as [Socket, Socket];
    first.write('OK 1\nfirst');
    const stream = await dialing;
    expect(String(await once(stream, 'data'))).toBe('first');
    second.write('OK 2\n');
    expect(await outcome(second)).toBe('end');
    stream.destroy();
  });

  test('takes the answer to the second when the first is lost', async () => {
    const { path, connections } = await listenFor(2);
    const dialing = dialVsock({ kind: 'hybrid', path }, 1024, { timeoutMs: 60_000 });
    const [, second] = (await connections) as [Socket, Socket];
    second.write('OK 2\nsecond');
    const stream = await dialing;
    expect(String(await once(stream, 'data'))).toBe('second');
    stream.destroy();
  });

  test('gives up when time is over, with the reason', async () => {
    const { path } = await listenFor(1);
    await expect(dialVsock({ kind: 'hybrid', path }, 1024, { timeoutMs: 200 })).rejects.toThrow(/no answer in \d+ ms/);
  });
});
