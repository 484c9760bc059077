/** The loop: order of timers and events, signals, readiness. */
import { SIGTERM, SIGUSR1, SIGUSR2 } from '../../../agent/src/abi/constants.ts';
import { AbortController } from '../../../agent/src/base/abort.ts';
import { pipe, setNonBlocking } from '../../../agent/src/sys/descriptor.ts';
import { tryRead, writeAll } from '../../../agent/src/sys/file.ts';
import type { EventLoop, Watch } from '../../../agent/src/sys/loop.ts';
import { getpid, kill } from '../../../agent/src/sys/process.ts';
import { readSome, readiness, sleep, writeFully } from '../../../agent/src/sys/readiness.ts';
import { watchSignals } from '../../../agent/src/sys/signal.ts';
import { check, checkEqual, checkFails } from '../../support/engine/checks.ts';

async function timers(loop: EventLoop): Promise<void> {
  const fired: string[] = [];
  const note = (name: string) => (): void => void fired.push(name);
  loop.setTimer(30, note('30'));
  loop.setTimer(10, note('10 first'));
  loop.setTimer(10, note('10 second'));
  const cancelled = loop.setTimer(20, note('cancelled'));
  loop.setTimer(0, () => {
    fired.push('0');
    cancelled.cancel();
    loop.setTimer(-5, note('from a timer'));
  });
  loop.soon(note('soon'));
  void Promise.resolve().then(note('promise'));
  fired.push('now');
  await sleep(loop, 60);
  // Where a slow machine puts the two that depend on the present is not promised.
  const fixed = fired.filter((name) => name !== 'soon' && name !== 'from a timer');
  const expected = ['now', 'promise', '0', '10 first', '10 second', '30'];
  checkEqual('timers fire in their order, jobs before them', fixed, expected);
  check('soon() and a timer made by a timer come once each', fired.length === expected.length + 2, fired.join());
  const began = loop.now();
  await sleep(loop, 25);
  check('a timer never fires early', loop.now() - began >= 25, `${loop.now() - began}`);
  checkEqual('no timer is left behind', loop.size.timers, 0);
}

async function signals(loop: EventLoop): Promise<void> {
  const received: string[] = [];
  const stop = watchSignals(loop, [SIGUSR1, SIGTERM], ({ signal, pid }) => {
    received.push(`${signal} from ${pid === getpid() ? 'itself' : pid}`);
  });
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGTERM);
  kill(getpid(), SIGUSR2);
  await sleep(loop, 20);
  const expected = [`${SIGUSR1} from itself`, `${SIGTERM} from itself`];
  checkEqual('signals arrive as events, with their sender', received.sort(), expected.sort());
  stop();
  kill(getpid(), SIGUSR1);
  await sleep(loop, 20);
  checkEqual('a stopped watch hears nothing, and nothing ends the program', received.length, 2);
}

async function readinessChecks(loop: EventLoop): Promise<void> {
  const { reader, writer } = pipe();
  setNonBlocking(reader, true);
  setNonBlocking(writer, true);
  const total = 1 << 20;
  const source = new Uint8Array(total).map((_, index) => (index * 7) & 0xff);
  let done = 0;
  let isSame = true;
  const writing = writeFully(loop, writer, source).then(() => writer.close());
  const buffer = new Uint8Array(10_000);
  for (;;) {
    const count = await readSome(loop, reader, buffer);
    if (count === 0) break;
    for (let index = 0; index < count; index++) isSame &&= buffer[index] === source[done + index];
    done += count;
  }
  await writing;
  check('a megabyte through a full pipe arrives in order', done === total && isSame, `${done}`);
  reader.close();

  const other = pipe();
  const controller = new AbortController();
  loop.setTimer(10, () => controller.abort(new Error('given up')));
  await checkFails(
    'waiting ends when it is aborted',
    readiness(loop, other.reader, 'read', controller.signal),
    'given up',
  );
  checkEqual('and leaves no watch', loop.size.watches, 0);
  other.writer.close();
  await readiness(loop, other.reader, 'read');
  check('a hang-up ends the wait too', true);
  other.reader.close();
}

async function closedInTheSameBatch(loop: EventLoop): Promise<void> {
  const pipes = [pipe(), pipe(), pipe()];
  const watches: Watch[] = [];
  let calls = 0;
  for (const { reader } of pipes) {
    setNonBlocking(reader, true);
    watches.push(
      loop.watch(reader, 'read', () => {
        calls += 1;
        for (const watch of watches) watch.close();
        for (const each of pipes) each.reader.close();
        // The numbers are free again: a stale event must not reach whoever gets them.
        const reused = pipe();
        const stale = loop.watch(reused.reader, 'read', () => {
          check('no event reaches another owner of the number', tryRead(reused.reader, new Uint8Array(1)) > 0);
        });
        loop.setTimer(10, () => {
          stale.close();
          reused.reader.close();
          reused.writer.close();
        });
      }),
    );
  }
  // All three become readable before the loop looks again.
  for (const { writer } of pipes) writeAll(writer, Uint8Array.of(1));
  await sleep(loop, 50);
  checkEqual('a watch that was closed by an earlier event of the batch is not called', calls, 1);
  for (const { writer } of pipes) writer.close();
  checkEqual('nothing stays watched', loop.size.watches, 0);
}

export async function eventLoopChecks(loop: EventLoop): Promise<void> {
  await timers(loop);
  await signals(loop);
  await readinessChecks(loop);
  await closedInTheSameBatch(loop);
}
