import { Worker } from 'node:worker_threads';

/** An endless loop cannot be interrupted from within its thread. One case never takes this long. */
const HUNG_MS = 60_000;

/** Another thread looks whether cases still go by; when not, it says which one hangs and ends the process. */
const program = `
  const { workerData } = require('node:worker_threads');
  const { current, name, seed, hungMs } = workerData;
  let last = -1;
  let since = Date.now();
  setInterval(() => {
    const now = Atomics.load(current, 0);
    if (now !== last) { last = now; since = Date.now(); return; }
    if (now < 0 || Date.now() - since < hungMs) return;
    require('node:fs').writeSync(2, 'fuzz target ' + name + ' hangs; replay: KIHON_FUZZ_SEED=' + seed +
      ' KIHON_FUZZ_PATH=' + now + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;

/** Watches one target. Endless loops end the whole test process, with a message on standard error. */
export class Watchdog implements Disposable {
  readonly #current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  readonly #worker: Worker;

  constructor(name: string, seed: number) {
    this.#worker = new Worker(program, {
      eval: true,
      workerData: { current: this.#current, name, seed, hungMs: HUNG_MS },
    });
    this.#worker.unref();
  }

  /** Case number `index` of the sequence starts. */
  begin(index: number): void {
    Atomics.store(this.#current, 0, index);
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}
