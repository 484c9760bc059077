import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The log is cut here: one older part is kept, so a guest can fill at most twice this much of the host's /run. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/** A watcher that does not read is dropped when this much waits for it. */
const MAX_WAITING_BYTES = 256 * 1024;

/**
 * The VM's console: everything the guest prints goes to a log file and to whoever is connected to the Unix socket;
 * what they send goes to the guest. It never makes the guest wait.
 */
export class ConsoleRelay implements Disposable {
  readonly #logPath: string;
  readonly #socketPath: string;
  readonly #guest: Duplex;
  readonly #watchers = new Set<Socket>();
  readonly #server: Server;
  #log: number;
  #logBytes: number;

  private constructor(guest: Duplex, logPath: string, socketPath: string) {
    this.#guest = guest;
    this.#logPath = logPath;
    this.#socketPath = socketPath;
    this.#log = openSync(logPath, 'a', 0o600);
    this.#logBytes = statSync(logPath).size;
    this.#server = createServer((watcher) => this.#attach(watcher));
    guest.on('data', (chunk: Buffer) => this.#receive(chunk));
    guest.on('error', () => undefined);
  }

  /** Starts copying. `guest` is our end of the console's stream. */
  static async open(guest: Duplex, logPath: string, socketPath: string): Promise<ConsoleRelay> {
    const relay = new ConsoleRelay(guest, logPath, socketPath);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', reject);
      relay.#server.listen(socketPath, resolve);
    });
    return relay;
  }

  #attach(watcher: Socket): void {
    this.#watchers.add(watcher);
    watcher.on('error', () => undefined);
    watcher.on('close', () => this.#watchers.delete(watcher));
    watcher.on('data', (chunk) => void this.#guest.write(chunk));
  }

  #receive(chunk: Buffer): void {
    if (this.#logBytes > MAX_LOG_BYTES) {
      closeSync(this.#log);
      renameSync(this.#logPath, `${this.#logPath}.1`);
      this.#log = openSync(this.#logPath, 'w', 0o600);
      this.#logBytes = 0;
    }
    writeSync(this.#log, chunk);
    this.#logBytes += chunk.length;
    for (const watcher of this.#watchers) {
      if (watcher.writableLength > MAX_WAITING_BYTES) watcher.destroy();
      else watcher.write(chunk);
    }
  }

  /** Settles when the guest prints `text`; never when it does not. */
  async shows(text: string): Promise<void> {
    await new Promise<void>((resolve) => {
      let tail = '';
      const look = (chunk: Buffer): void => {
        tail += chunk.toString('latin1');
        if (tail.includes(text)) {
          this.#guest.off('data', look);
          resolve();
        }
        tail = tail.slice(1 - text.length);
      };
      this.#guest.on('data', look);
    });
  }

  [Symbol.dispose](): void {
    this.#guest.destroy();
    this.#server.close();
    for (const watcher of this.#watchers) watcher.destroy();
    closeSync(this.#log);
    rmSync(this.#socketPath, { force: true });
    // Data that was still on its way must not be written to whatever file got this number next.
    this.#guest.removeAllListeners('data');
  }
}
