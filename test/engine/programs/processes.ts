/** Children: fork returns twice, the reaper collects every status. */
import { EAGAIN, EIO } from '../../../agent/src/abi/errno.ts';
import { SIGABRT, SIGKILL, SIGTERM } from '../../../agent/src/abi/constants.ts';
import { pipe, setNonBlocking } from '../../../agent/src/sys/descriptor.ts';
import { read, readDirectory, writeAll } from '../../../agent/src/sys/file.ts';
import type { EventLoop } from '../../../agent/src/sys/loop.ts';
import {
  clone3,
  execve,
  exit,
  getpid,
  kill,
  pauseForEver,
  pidfdSignal,
  setChildSubreaper,
  setSignalMask,
} from '../../../agent/src/sys/process.ts';
import { readSome, sleep } from '../../../agent/src/sys/readiness.ts';
import type { ExitStatus, Reaper } from '../../../agent/src/sys/reaper.ts';
import { openPty, tryReadOutput } from '../../../agent/src/sys/terminal.ts';
import { runCommand } from '../../../agent/src/sys/command.ts';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { check, checkEqual, checkFails } from '../../support/engine/checks.ts';
import { until } from '../../support/engine/until.ts';

interface Context {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
}

/** A child that runs `work`, which must not return. */
function child(
  reaper: Reaper,
  work: () => never,
): { readonly exited: Promise<ExitStatus>; kill(signal: number): void } {
  const made = clone3({ flags: 0 });
  if (made === 'child') {
    try {
      work();
    } finally {
      exit(99);
    }
  }
  const exited = reaper.watch(made.pid);
  void exited.then(() => made.pidfd.close());
  return { exited, kill: (signal) => pidfdSignal(made.pidfd, signal) };
}

async function exactStatuses({ reaper }: Context): Promise<void> {
  const before = reaper.reaped;
  const exits = Array.from({ length: 200 }, (_, index) => child(reaper, () => exit(index)).exited);
  const statuses = await Promise.all(exits);
  const wrong = statuses.filter((status, index) => status.kind !== 'exited' || status.code !== index);
  checkEqual('200 children at once give 200 exact exit codes', wrong, []);
  checkEqual('each is reaped once', reaper.reaped - before, 200);
  const stuck = child(reaper, () => pauseForEver());
  stuck.kill(SIGKILL);
  checkEqual('a killed child is told from an exit', await stuck.exited, { kind: 'signalled', signal: SIGKILL });
  const late = child(reaper, () => exit(3));
  for (const end = Date.now() + 30; Date.now() < end;);
  checkEqual('a child that ended before anybody looked is not lost', await late.exited, { kind: 'exited', code: 3 });
}

/** How often a terminal is written and closed while it is read: often enough to meet the read that comes in between. */
const TERMINALS = 400;

/** A reader that never waits, so that some reads fall between the last bytes and the hang-up. */
async function lastWordsOnTerminals({ reaper }: Context): Promise<void> {
  const buffer = new Uint8Array(64);
  const lost: string[] = [];
  for (let round = 0; round < TERMINALS; round++) {
    const { master, slave } = openPty();
    setNonBlocking(master, true);
    const { exited } = child(reaper, () => {
      master.close();
      writeAll(slave, encodeBytes('first\n'));
      for (let turn = 0; turn < (round % 20) * 50; turn++);
      writeAll(slave, encodeBytes('last\n'));
      exit(0);
    });
    slave.close();
    let text = '';
    for (let count = -EAGAIN; count !== -EIO;) {
      count = tryReadOutput(master, buffer);
      if (count > 0) text += decodeBytes(buffer.subarray(0, count));
    }
    if (text !== 'first\r\nlast\r\n') lost.push(`round ${round}: ${JSON.stringify(text)}`);
    master.close();
    await exited;
  }
  checkEqual('what was written last on a terminal is read before its end', lost, []);
}

async function orphans({ loop, reaper }: Context): Promise<void> {
  setChildSubreaper();
  const before = reaper.reaped;
  const parent = child(reaper, () => {
    if (clone3({ flags: 0 }) === 'child') exit(5);
    exit(4);
  });
  checkEqual('a child with a child of its own gives its own code', await parent.exited, { kind: 'exited', code: 4 });
  await until(loop, () => reaper.reaped === before + 2);
  checkEqual('an adopted orphan is collected too', reaper.reaped - before, 2);
}

async function childIsApart({ loop, reaper }: Context): Promise<void> {
  const { reader, writer } = pipe();
  let isParentJobRun = false;
  // Pending in both after the fork; only the parent may run it.
  void Promise.resolve().then(() => {
    isParentJobRun = true;
    writeAll(writer, Uint8Array.of(1));
  });
  loop.setTimer(5, () => writeAll(writer, Uint8Array.of(2)));
  const made = child(reaper, () => {
    for (const end = Date.now() + 40; Date.now() < end;);
    exit(7);
  });
  checkEqual('a child that loops and exits', await made.exited, { kind: 'exited', code: 7 });
  writer.close();
  setNonBlocking(reader, true);
  const buffer = new Uint8Array(16);
  const count = await readSome(loop, reader, buffer);
  checkEqual('jobs and timers run in the parent only (ENG-06)', [...buffer.subarray(0, count)], [1, 2]);
  check('and do run there', isParentJobRun);
  reader.close();

  const thrown = child(reaper, () => {
    throw new Error('in the child');
  });
  checkEqual('an error in the child stays in the child', await thrown.exited, { kind: 'exited', code: 99 });
  const watches = loop.size.watches;
  const closing = child(reaper, () => {
    for (let number = 3; number < 64; number++) kill(getpid(), 0);
    exit(0);
  });
  await closing.exited;
  checkEqual('a child changes no registration of the parent', loop.size.watches, watches);
}

/** `abort()` of a child must end the child and nobody else: musl's own would signal the parent (ENG-08). */
async function abortInChild({ reaper }: Context): Promise<void> {
  const made = child(reaper, () => {
    setSignalMask(0n);
    kill(getpid(), SIGABRT);
    pauseForEver();
  });
  checkEqual('a child that is aborted', await made.exited, { kind: 'signalled', signal: SIGABRT });
}

async function commands(context: Context): Promise<void> {
  const run = (script: string, options: { stdin?: Uint8Array; deadlineMs?: number; maxOutputBytes?: number } = {}) =>
    runCommand(context, {
      path: '/bin/sh',
      argv: ['sh', '-c', script],
      env: ['PATH=/bin:/usr/bin'],
      maxOutputBytes: 1024,
      deadlineMs: 10_000,
      ...options,
    });
  const both = await run('cat; echo to stderr >&2; exit 9', { stdin: encodeBytes('given') });
  const shown = { status: both.status, stdout: decodeBytes(both.stdout), stderr: decodeBytes(both.stderr) };
  const expected = { status: { kind: 'exited', code: 9 }, stdout: 'given', stderr: 'to stderr\n' };
  checkEqual('a command gets its input and gives both streams and its code', shown, expected);
  const much = await run('i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done', { maxOutputBytes: 100 });
  checkEqual(
    'output beyond the limit is thrown away',
    [much.stdout.length, much.status],
    [100, { kind: 'exited', code: 0 }],
  );
  await checkFails(
    'a command that takes too long is killed',
    run('sleep 60 & wait', { deadlineMs: 50 }),
    'not done after 50 ms',
  );
  const missing = await runCommand(context, {
    path: '/nonexistent',
    argv: ['x'],
    env: [],
    maxOutputBytes: 1024,
    deadlineMs: 10_000,
  });
  check('a command that is not there says so', decodeBytes(missing.stderr).includes('execve /nonexistent: ENOENT'));
  const mask = await run('grep SigBlk /proc/self/status; ls /proc/self/fd | wc -l');
  checkEqual(
    'it starts with no signal blocked and four descriptors',
    decodeBytes(mask.stdout).replace(/\s+/g, ' '),
    'SigBlk: 0000000000000000 4 ',
  );
}

async function exec({ reaper }: Context): Promise<void> {
  const { reader, writer } = pipe();
  const made = child(reaper, () => execve('/bin/sh', ['sh', '-c', 'exit "$CODE"'], ['CODE=42']));
  checkEqual('execve() passes arguments and environment', await made.exited, { kind: 'exited', code: 42 });
  const failed = child(reaper, () => {
    try {
      execve('/proc/self/status', ['x'], []);
    } catch (error) {
      writeAll(writer, encodeBytes(String(error)));
    }
    exit(0);
  });
  await failed.exited;
  const buffer = new Uint8Array(200);
  checkEqual(
    'and says what failed',
    decodeBytes(buffer.subarray(0, read(reader, buffer))),
    'SysError: execve /proc/self/status: EACCES',
  );
  reader.close();
  writer.close();
  const stopped = child(reaper, () => pauseForEver());
  stopped.kill(SIGTERM);
  stopped.kill(SIGKILL);
  const status = await stopped.exited;
  checkEqual('signals stay blocked in a child until it says otherwise', status, { kind: 'signalled', signal: SIGKILL });
}

export async function processChecks(context: Context): Promise<void> {
  // The loop's first turn opens what signals are read from.
  await sleep(context.loop, 1);
  const descriptors = readDirectory('/proc/self/fd').length;
  await exactStatuses(context);
  await lastWordsOnTerminals(context);
  await childIsApart(context);
  await abortInChild(context);
  await commands(context);
  await exec(context);
  await orphans(context);
  checkEqual('no descriptor is left behind', readDirectory('/proc/self/fd').length, descriptors);
  checkEqual('nor a watch besides the signals', context.loop.size, { watches: 1, timers: 0 });
}
