import { createServer, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import { HostError } from './host-error.ts';

/** What the guest sends when everything in it works. */
const READY_MESSAGE = 'READY=1\n';

/** Waits for the guest's own word that it is ready; nobody has to poll. */
export interface ReadyListener extends Disposable {
  /** Settles with the guest's message, rejects on another one. */
  readonly ready: Promise<void>;
}

/**
 * Listens on the Unix socket on which a hybrid vsock delivers the guest's connections to host port `port`:
 * `<uds>_<port>`. Any number of connections may come; the first right message counts, and no more than its length is read.
 */
export async function listenForReady(udsPath: string, port: number): Promise<ReadyListener> {
  const path = `${udsPath}_${port}`;
  const { promise, resolve, reject } = promiseParts();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.startsWith(READY_MESSAGE)) resolve();
      else if (text.length >= READY_MESSAGE.length)
        reject(new HostError(`the guest sent ${JSON.stringify(text.slice(0, 40))} instead of its ready message`));
      else return;
      socket.destroy();
    });
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(path, listening);
  });
  return {
    ready: promise,
    [Symbol.dispose](): void {
      for (const socket of sockets) socket.destroy();
      server.close();
      rmSync(path, { force: true });
    },
  };
}

function promiseParts(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((succeed, fail) => {
    resolve = succeed;
    reject = fail;
  });
  // Whoever waits gets the rejection; if nobody does, it is not an unhandled one.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
