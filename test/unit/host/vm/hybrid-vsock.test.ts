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
