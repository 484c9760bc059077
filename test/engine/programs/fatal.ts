/** Ways to die, one a run. Each must end the program with a report and status 70. */
import { DomainError } from '../../../agent/src/base/errors.ts';
import { SysError } from '../../../agent/src/base/sys-error.ts';
import { Fd } from '../../../agent/src/sys/fd.ts';
import { writeAll } from '../../../agent/src/sys/file.ts';
import type { EventLoop } from '../../../agent/src/sys/loop.ts';
import { setFatalHandler } from '../../../agent/src/sys/program.ts';

function print(text: string): void {
  const stdout = new Fd(1, 'stdout');
  writeAll(
    stdout,
    Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
  );
  stdout.release();
}

function failDeeply(): never {
  throw new DomainError('internal', 'container c1', new SysError('mount', 19, 'ENODEV', '/dev/vda on /x'));
}

async function failLater(): Promise<void> {
  await Promise.resolve();
  failDeeply();
}

export const waysToDie: Readonly<Record<string, (loop: EventLoop) => void>> = {
  'uncaught error': () => failDeeply(),
  'error in a timer': (loop) => void loop.setTimer(5, failDeeply),
  'error in a job': () => queueMicrotask(failDeeply),
  'unhandled rejection': () => void failLater(),
  'thrown null': () => {
    throw null;
  },
  'thrown text': () => {
    throw 'just text';
  },
  'last words': () => {
    setFatalHandler((error) => print(`last words: ${String(error)}\n`));
    failDeeply();
  },
  'last words that fail': () => {
    setFatalHandler(() => {
      throw new Error('speechless');
    });
    failDeeply();
  },
  'last words without end': () => {
    setFatalHandler(() => {
      for (;;);
    });
    failDeeply();
  },
  'out of memory': () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Uint8Array(1 << 16), {});
  },
  'rejection that is handled in time': (loop) => {
    const rejected = failLater();
    loop.soon(() => undefined);
    void Promise.resolve()
      .then(() => rejected)
      .catch(() => print('handled\n'));
    loop.setTimer(20, () => loop.stop());
  },
};
