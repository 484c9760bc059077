/** offload(): blocking work in a child. */
import { AbortController } from '../../../agent/src/base/abort.ts';
import { abandonedWork, DomainError } from '../../../agent/src/base/errors.ts';
import { isSysError } from '../../../agent/src/base/sys-error.ts';
import { pipe } from '../../../agent/src/sys/descriptor.ts';
import { createFile, exists, mkdirAll, readDirectory, stat, tryUnlink, unlink } from '../../../agent/src/sys/file.ts';
import { offload, offloadCounts } from '../../../agent/src/sys/offload.ts';
import type { OffloadContext, OffloadOptions } from '../../../agent/src/sys/offload.ts';
import { exit, getpid, pauseForEver } from '../../../agent/src/sys/process.ts';
import { sleep } from '../../../agent/src/sys/readiness.ts';
import { check, checkEqual, checkFails } from '../../support/engine/checks.ts';
import { until } from '../../support/engine/until.ts';

function busy(ms: number): void {
  for (const end = Date.now() + ms; Date.now() < end;);
}

async function results(context: OffloadContext): Promise<void> {
  const run = <T>(work: () => T, options: Partial<OffloadOptions<T>> = {}) =>
    offload(context, 'test', work, { deadlineMs: 10_000, ...options });
  const pid = await run(() => getpid());
  check('the work runs in a process of its own', pid !== getpid());
  const value = { text: 'é\u0000𝄞', list: [1, null, { deep: true }] };
  checkEqual('a result comes back as it was', await run(() => value), value);
  checkEqual('no result is null', await run((): unknown => undefined), null);
  const large = 'x'.repeat(500_000);
  check('a large result too', (await run(() => large)) === large);

  const missing = await run(() => stat('/nonexistent').mode).catch((error: unknown) => error);
  const isWhole = isSysError(missing, 'ENOENT') && missing.message === 'statx /nonexistent: ENOENT';
  check('a failed system call keeps call, subject and errno', isWhole, String(missing));
  const denied = (): never => {
    throw new DomainError('permission_denied', 'no');
  };
  const domain = await run(denied).catch((error: unknown) => error);
  check('a domain error keeps its code', domain instanceof DomainError && domain.code === 'permission_denied');
  await checkFails(
    'a child that dies is an error',
    run(() => exit(0)),
    'its process died',
  );
  const circle: { self?: unknown } = {};
  circle.self = circle;
  await checkFails(
    'a result that cannot be told is an error',
    run(() => circle),
    'its process died',
  );
}

/** A stuck child must not keep open what the agent closes, such as a container's stdin. */
async function descriptors(context: OffloadContext): Promise<void> {
  const { reader, writer } = pipe();
  const names = await offload(context, 'look', () => readDirectory('/proc/self/fd').map(({ name }) => name), {
    deadlineMs: 10_000,
  });
  // 4 is the directory that is being read.
  checkEqual('a child has no descriptor of the agent', names.map(Number).sort(), [0, 1, 2, 3, 4]);
  reader.close();
  writer.close();
}

async function deadlines(context: OffloadContext): Promise<void> {
  const stuck = offload(context, 'stuck', () => pauseForEver(), { deadlineMs: 20 });
  await checkFails('hung work ends at its deadline', stuck, 'stuck: not done after 20 ms');
  const controller = new AbortController();
  context.loop.setTimer(10, () => controller.abort(new Error('client gone')));
  const aborted = offload(context, 'x', () => pauseForEver(), { deadlineMs: 10_000, signal: controller.signal });
  await checkFails('and when its caller goes', aborted, 'client gone');
  const again = offload(context, 'x', () => 1, { deadlineMs: 1, signal: controller.signal });
  await checkFails('nothing is started for a caller that is gone', again, 'client gone');
  await until(context.loop, () => offloadCounts().running === 0);
  checkEqual('a child without undo is killed at once', offloadCounts(), { running: 0, abandoned: 0 });
}

/** Deadline of work that is late, and then of its undo, which has to be done in it. */
const LATE_MS = 1000;

async function lateSuccess(context: OffloadContext): Promise<void> {
  mkdirAll('/tmp/offload');
  const path = '/tmp/offload/made';
  const told = '/tmp/offload/told';
  const witness = '/tmp/offload/witness';
  const make = (): string => {
    // Late, however long it takes until the deadline is noticed.
    for (let round = 0; round < 2000 && !exists(told); round++) busy(5);
    createFile(path, 'x');
    createFile(witness, '');
    return path;
  };
  tryUnlink(told);
  const late = offload(context, 'late', make, { deadlineMs: LATE_MS, undo: (made) => unlink(made) });
  await checkFails('work with an undo fails at its deadline all the same', late, `not done after ${LATE_MS} ms`);
  checkEqual('it is counted while it runs on', offloadCounts().abandoned, 1);
  const settled = abandonedWork(await late.catch((error: unknown) => error));
  check('its failure says that it goes on', settled !== undefined, '');
  createFile(told, '');
  await settled;
  check('until it has succeeded and is undone', exists(witness) && !exists(path));
  await until(context.loop, () => offloadCounts().running === 0);
  unlink(told);
  unlink(witness);
  checkEqual('nothing is counted then', offloadCounts(), { running: 0, abandoned: 0 });
}

async function limit(context: OffloadContext): Promise<void> {
  const slow = Array.from({ length: 16 }, (_, index) =>
    offload(
      context,
      `slow ${index}`,
      () => {
        busy(20);
        return index;
      },
      { deadlineMs: 10_000 },
    ),
  );
  const refused = await offload(context, 'one more', () => 1, { deadlineMs: 10_000 }).catch((error: unknown) => error);
  check(
    'a seventeenth is refused',
    refused instanceof DomainError && refused.code === 'resource_exhausted',
    String(refused),
  );
  checkEqual(
    'sixteen at once all give their own result',
    await Promise.all(slow),
    slow.map((_, index) => index),
  );
  checkEqual('then there is room again', await offload(context, 'next', () => 2, { deadlineMs: 10_000 }), 2);
}

async function waitingForRoom(context: OffloadContext): Promise<void> {
  const stuck = Array.from({ length: 16 }, () =>
    offload(context, 'stuck', () => pauseForEver(), { deadlineMs: 500 }).catch(() => undefined),
  );
  const patient = offload(context, 'patient', () => 3, { deadlineMs: 10_000, waitsForRoom: true });
  const late = offload(context, 'late', () => 4, { deadlineMs: 1, waitsForRoom: true });
  await checkFails('one that waits for room does so until its deadline', late, 'no room among 16 operations for 1 ms');
  checkEqual('one that waited for room gets it', await patient, 3);
  await Promise.all(stuck);
  await until(context.loop, () => offloadCounts().running === 0);
}

/** Many in a row, with failures among them, leave nothing (ENG-06). */
async function many(context: OffloadContext): Promise<void> {
  // Its descriptor goes when a child is reaped, a moment after its last word.
  const open = (): number => readDirectory('/proc/self/fd').length;
  let before = open();
  for (let last = -1; last !== before; before = open()) {
    last = before;
    await sleep(context.loop, 100);
  }
  let failed = 0;
  for (let round = 0; round < 100; round++) {
    const work = (): number => {
      if (round % 3 === 0) throw new Error('this one');
      return round;
    };
    await offload(context, 'many', work, { deadlineMs: 10_000 }).catch(() => (failed += 1));
  }
  checkEqual('failures are told from results', failed, 34);
  await until(context.loop, () => open() <= before);
  checkEqual('100 in a row leave no descriptor', open(), before);
  checkEqual('and no timer or watch', context.loop.size, { watches: 1, timers: 0 });
}

export async function offloadChecks(context: OffloadContext): Promise<void> {
  await results(context);
  await descriptors(context);
  await deadlines(context);
  await lateSuccess(context);
  await limit(context);
  await waitingForRoom(context);
  await many(context);
}
