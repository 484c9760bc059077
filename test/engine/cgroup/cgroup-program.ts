/**
 * Cgroups against the real kernel, in a v2 group of the test's own (first argument): what needs no controller. Device programs,
 * freezing, killing, listing, watching, removal.
 */
import {
  CLONE_INTO_CGROUP,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_WRONLY,
  SIGKILL,
  SIGTERM,
} from '../../../agent/src/abi/constants.ts';
import { silentLogger } from '../../../agent/src/base/log.ts';
import { isSysError } from '../../../agent/src/base/sys-error.ts';
import { runtimeCgroupPolicy } from '../../../agent/src/libcontainer/cgroup/cgroup-policy.ts';
import { Cgroup } from '../../../agent/src/libcontainer/cgroup/cgroup.ts';
import { setDeviceRules } from '../../../agent/src/libcontainer/cgroup/device-filter.ts';
import { keyedValue, parseFlatKeyed } from '../../../agent/src/libcontainer/cgroup/parse-stats.ts';
import { killInRounds } from '../../../agent/src/libcontainer/cgroup/processes.ts';
import { watchPressure } from '../../../agent/src/libcontainer/cgroup/watch-pressure.ts';
import { watchCgroupFile } from '../../../agent/src/libcontainer/cgroup/watch-file.ts';
import { emptyResources } from '../../../agent/src/oci/spec.ts';
import type { DeviceRule, MemoryResources, Resources } from '../../../agent/src/oci/spec.ts';
import { attachedDevicePrograms } from '../../../agent/src/sys/bpf.ts';
import { argv } from '../../../agent/src/sys/engine.ts';
import type { Fd } from '../../../agent/src/sys/fd.ts';
import { exists, mkdir, open, readDirectory, readText, stat, writeFile } from '../../../agent/src/sys/file.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { clone3, exit, pauseForEver, setSignalMask } from '../../../agent/src/sys/process.ts';
import { sleep } from '../../../agent/src/sys/readiness.ts';
import { Reaper } from '../../../agent/src/sys/reaper.ts';
import type { ExitStatus } from '../../../agent/src/sys/reaper.ts';
import { check, checkEqual, checkFails, checkThrows, runChecks } from '../../support/engine/checks.ts';
import { until } from '../../support/engine/until.ts';

const loop = EventLoop.create();
const reaper = new Reaper(loop);
const home = argv[1] ?? '';

const rule = (allow: boolean, major?: bigint, minor?: bigint, access = 'rwm'): DeviceRule => ({
  allow,
  type: major === undefined ? 'a' : 'c',
  major,
  minor,
  access,
});
const devices = (...rules: DeviceRule[]): Resources => ({ ...emptyResources, devices: rules });

function create(path: string, policy = runtimeCgroupPolicy): Cgroup {
  return Cgroup.create(home, path, silentLogger, policy);
}

/** A child that is born in the cgroup and runs `work`. */
function childIn(directory: Fd, work: () => never): { readonly pid: number; readonly exited: Promise<ExitStatus> } {
  const made = clone3({ flags: CLONE_INTO_CGROUP, cgroup: directory });
  if (made === 'child') {
    try {
      work();
    } finally {
      exit(99);
    }
  }
  made.pidfd.close();
  return { pid: made.pid, exited: reaper.watch(made.pid) };
}

/** What this process has used of a CPU, in ms: who else uses it does not count. proc_pid_stat(5), fields 14 and 15, in 1/100 s. */
function cpuMs(): number {
  const text = readText('/proc/self/stat');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** The errno with which a process in the cgroup opens a file, '' when it can. */
async function openIn(cgroup: Cgroup, path: string, flags: number): Promise<string> {
  const codes = ['', 'EPERM', 'other'];
  const { exited } = childIn(cgroup.directory, () => {
    try {
      open(path, flags).close();
    } catch (error) {
      exit(isSysError(error, 'EPERM') ? 1 : 2);
    }
    exit(0);
  });
  const status = await exited;
  return status.kind === 'exited' ? (codes[status.code] ?? 'other') : 'signalled';
}

async function removed(cgroup: Cgroup): Promise<void> {
  cgroup.kill();
  for (let attempt = 0; ; attempt++) {
    try {
      cgroup.remove();
      break;
    } catch (error) {
      if (!isSysError(error, 'EBUSY') || attempt > 2000) throw error;
      await sleep(loop, 2);
    }
  }
  cgroup.close();
}

async function deviceRules(): Promise<void> {
  const cgroup = create('/devices');
  cgroup.apply(devices(rule(false)), []);
  checkEqual('CGN-05 a default device can be used', await openIn(cgroup, '/dev/zero', O_RDONLY), '');
  checkEqual('CGN-05 a device that no rule allows cannot', await openIn(cgroup, '/dev/kmsg', O_RDONLY), 'EPERM');
  const append = O_WRONLY | O_CREAT | O_APPEND;
  checkEqual('CGN-05 nor can it be written', await openIn(cgroup, '/dev/kmsg', O_WRONLY), 'EPERM');
  checkEqual('CGN-05 nor appended to', await openIn(cgroup, '/dev/kmsg', append), 'EPERM');
  cgroup.update(devices(rule(false), rule(true, 1n, 11n, 'w')), []);
  checkEqual('CGN-05 a bit that is allowed', await openIn(cgroup, '/dev/kmsg', O_WRONLY), '');
  checkEqual('CGN-05 a bit that is not', await openIn(cgroup, '/dev/kmsg', O_RDONLY), 'EPERM');
  cgroup.update(devices(rule(true)), []);
  checkEqual('rules that allow everything need no program', attachedDevicePrograms(cgroup.directory).length, 0);
  checkEqual('and allow everything', await openIn(cgroup, '/dev/kmsg', O_RDONLY), '');
  cgroup.update(emptyResources, []);
  checkEqual('an update without rules leaves them', await openIn(cgroup, '/dev/kmsg', O_RDONLY), '');
  const many = Array.from({ length: 2000 }, (_, index) => rule(index % 2 === 0, 4n, BigInt(index), 'rw'));
  cgroup.update(devices(...many), []);
  checkEqual('2000 rules are one program', attachedDevicePrograms(cgroup.directory).length, 1);
  checkEqual('which denies', await openIn(cgroup, '/dev/kmsg', O_RDONLY), 'EPERM');
  checkEqual('and allows', await openIn(cgroup, '/dev/zero', O_RDONLY), '');
  await removed(cgroup);
}

async function noGap(): Promise<void> {
  const cgroup = create('/gap');
  cgroup.apply(devices(rule(false)), []);
  const attempts = childIn(cgroup.directory, () => {
    for (;;) {
      try {
        open('/dev/kmsg', O_RDONLY).close();
        exit(1);
      } catch (error) {
        if (!isSysError(error, 'EPERM')) exit(2);
      }
    }
  });
  const counts = new Set<string>();
  let refused = 0;
  for (let turn = 0; turn < 1000; turn++) {
    const extra = turn % 2 === 0 ? [rule(true, 10n, 229n)] : [rule(true, 4n, undefined, 'rw')];
    try {
      if (turn % 10 === 9) {
        const memory = { limit: 1n << 30n } as MemoryResources;
        cgroup.update({ ...devices(rule(true)), memory }, []);
      } else cgroup.update(devices(rule(false), ...extra), []);
    } catch {
      refused += 1;
    }
    if (turn % 50 === 0) counts.add(String(attachedDevicePrograms(cgroup.directory).length));
  }
  checkEqual('CGN-06 an update that is refused elsewhere leaves the old rules', refused, 100);
  checkEqual('CGN-06 exactly one program is attached at all times', [...counts], ['1']);
  cgroup.kill();
  const status = await attempts.exited;
  checkEqual('CGN-06 1000 updates open no gap', status, { kind: 'signalled', signal: SIGKILL });
  await removed(cgroup);
}

async function severalPrograms(): Promise<void> {
  const cgroup = create('/several');
  const allow = { allow: true, type: 'c', major: 1, minor: undefined, access: 7 } as const;
  setDeviceRules(cgroup.directory, [allow]);
  const other = create('/other');
  setDeviceRules(other.directory, [allow]);
  // A second one, as another tool would add it.
  using second = (await import('../../../agent/src/sys/bpf.ts')).openProgram(
    attachedDevicePrograms(other.directory)[0] ?? 0,
  );
  (await import('../../../agent/src/sys/bpf.ts')).attachDeviceProgram(cgroup.directory, second);
  checkEqual('two programs are attached', attachedDevicePrograms(cgroup.directory).length, 2);
  setDeviceRules(cgroup.directory, [{ ...allow, minor: 5 }]);
  checkEqual('CGN-06 new rules replace all of them', attachedDevicePrograms(cgroup.directory).length, 1);
  checkEqual('and hold', await openIn(cgroup, '/dev/kmsg', O_RDONLY), 'EPERM');
  await removed(cgroup);
  await removed(other);
}

async function limitsWithoutControllers(): Promise<void> {
  const cgroup = create('/limits');
  const memory = { limit: 1n << 30n } as MemoryResources;
  checkThrows(
    'a limit whose controller is missing is an error that names both',
    () => cgroup.apply({ ...emptyResources, memory }, []),
    'linux.resources.memory.limit',
  );
  checkThrows(
    'and says where it looked',
    () => cgroup.apply({ ...emptyResources, pids: 5n }, []),
    'the pids controller is not available in the cgroup v2 hierarchy',
  );
  cgroup.apply({ ...emptyResources, pids: 0n, memory: { limit: -1n } as MemoryResources }, []);
  check('no limit needs no controller', true);
  checkThrows(
    'CGN-03 a unified key of a missing controller is named',
    () => cgroup.apply({ ...emptyResources, unified: new Map([['memory.high', '5']]) }, []),
    'unified[memory.high]: the memory controller',
  );
  await removed(cgroup);
}

async function existing(): Promise<void> {
  const cgroup = create('/existing/c');
  const child = childIn(cgroup.directory, () => pauseForEver());
  checkThrows('CGN-04 a cgroup with processes is refused', () => create('/existing/c'), 'has processes');
  checkThrows(
    'CGN-04 also where it would be made anew',
    () => Cgroup.create(home, '/existing/c', silentLogger),
    'in use',
  );
  cgroup.kill();
  await child.exited;
  cgroup.freeze();
  checkThrows('CGN-04 a frozen cgroup is refused', () => create('/existing/c'), 'frozen');
  cgroup.thaw();
  create('/existing/c').close();
  check('an empty one is used', true);
  const anew = Cgroup.create(home, '/existing/c', silentLogger);
  check('or made anew', exists('existing/c', open(home, O_RDONLY | O_DIRECTORY)));
  await removed(anew);
  cgroup.close();
  const parent = create('/threads/below');
  // Only groups without domain controllers can become threaded; here that is hugetlb at most.
  if (readText(`${home}/threads/cgroup.subtree_control`).includes('hugetlb')) {
    writeFile(`${home}/threads/cgroup.subtree_control`, '-hugetlb');
  }
  writeFile('cgroup.type', 'threaded', { at: parent.directory });
  checkThrows('a group below a threaded one is refused', () => create('/threads/other'), 'domain invalid');
  check('and nothing stays of it', !exists(`${home}/threads/other`));
  await removed(parent);
}

async function freezing(): Promise<void> {
  const cgroup = create('/freezing');
  const child = childIn(cgroup.directory, () => pauseForEver());
  const seen: string[] = [];
  const stop = watchCgroupFile(loop, cgroup.directory, 'cgroup.events', (text) =>
    seen.push(text === undefined ? 'gone' : String(keyedValue(parseFlatKeyed(text), 'frozen'))),
  );
  await cgroup.freezeAndWait(loop);
  check('freezing is over when it is said to be', cgroup.isFreezeRequested);
  await until(loop, () => seen.length >= 2);
  checkEqual('who watches a file sees its first state and each change', seen, ['0', '1']);
  await cgroup.thawAndWait(loop);
  stop();
  await cgroup.freezeAndWait(loop);
  cgroup.signal(SIGTERM);
  check('a signal to all leaves a frozen cgroup frozen', cgroup.isFreezeRequested);
  cgroup.kill();
  checkEqual('CGN-10 CGN-11 who is frozen can be killed', await child.exited, { kind: 'signalled', signal: SIGKILL });
  const gone: boolean[] = [];
  watchCgroupFile(loop, cgroup.directory, 'cgroup.events', (text) => gone.push(text === undefined));
  await removed(cgroup);
  await until(loop, () => gone.at(-1) === true);
  checkEqual('who watches learns of the end', gone.at(-1), true);
  const outer = create('/outer/inner');
  writeFile(`${home}/outer/cgroup.freeze`, '1');
  await checkFails('a group inside a frozen one does not thaw', outer.thawAndWait(loop, 50), 'stays frozen');
  writeFile(`${home}/outer/cgroup.freeze`, '0');
  await removed(outer);
}

async function killing(): Promise<void> {
  for (const [name, kill] of [
    ['cgroup.kill', (cgroup: Cgroup) => cgroup.kill()],
    ['a kernel without it', (cgroup: Cgroup) => killInRounds(cgroup.directory)],
  ] as const) {
    const cgroup = create('/killing');
    mkdir('sub', 0o755, cgroup.directory);
    mkdir('sub/threads', 0o755, cgroup.directory);
    const sub = open('sub', O_RDONLY | O_DIRECTORY, 0, cgroup.directory);
    const children = [cgroup.directory, sub, sub].map((at) => childIn(at, () => pauseForEver()));
    writeFile('cgroup.type', 'threaded', { at: open('sub/threads', O_RDONLY | O_DIRECTORY, 0, cgroup.directory) });
    const pids = children.map(({ pid }) => pid).sort((a, b) => a - b);
    checkEqual(`CGN-11 processes below are listed, ${name}`, cgroup.processIds(), pids);
    // One that forks for ever.
    const forker = childIn(sub, () => {
      setSignalMask(0n);
      for (;;) {
        const made = clone3({ flags: 0 });
        if (made === 'child') {
          for (let turn = 0; turn < 50_000; turn++);
          exit(0);
        }
        made.pidfd.close();
      }
    });
    kill(cgroup);
    const statuses = await Promise.all([...children, forker].map(({ exited }) => exited));
    checkEqual(
      `CGN-11 everybody ends, with ${name}`,
      statuses.filter((status) => status.kind !== 'signalled'),
      [],
    );
    sub.close();
    await removed(cgroup);
    check(`CGN-11 and nothing stays, with ${name}`, !exists(`${home}/killing`));
  }
}

async function largeTrees(): Promise<void> {
  const deep = create('/deep');
  let at = open('.', O_RDONLY | O_DIRECTORY, 0, deep.directory);
  for (let depth = 0; depth < 1000; depth++) {
    mkdir('n', 0o755, at);
    const next = open('n', O_RDONLY | O_DIRECTORY, 0, at);
    at.close();
    at = next;
  }
  const bottom = childIn(at, () => pauseForEver());
  at.close();
  checkEqual('CGN-11 a process 1000 groups down is found', deep.processIds(), [bottom.pid]);
  deep.kill();
  await bottom.exited;
  const before = cpuMs();
  await removed(deep);
  check(
    'CGN-11 1000 nested groups are removed in less than 5 s of a CPU',
    cpuMs() - before < 5000,
    `${cpuMs() - before} ms`,
  );
  const flat = create('/flat');
  for (let index = 0; index < 10_000; index++) mkdir(`f${index}`, 0o755, flat.directory);
  const start = cpuMs();
  await removed(flat);
  check(
    'CGN-11 10000 flat groups are removed in less than 5 s of a CPU',
    cpuMs() - start < 5000,
    `${cpuMs() - start} ms`,
  );
}

async function pressure(): Promise<void> {
  const cgroup = create('/pressure');
  // More than there are processors.
  const count = readText('/proc/stat').split('\ncpu').length + 1;
  const busy = Array.from({ length: count }, () =>
    childIn(cgroup.directory, () => {
      for (;;);
    }),
  );
  // Two seconds: what the kernel lets everybody ask for.
  const trigger = { resource: 'cpu', kind: 'some', stallUs: 50_000, windowUs: 2_000_000 } as const;
  let stop = (): void => undefined;
  const seen = await Promise.race([
    new Promise<boolean>((resolve) => {
      stop = watchPressure(loop, cgroup.directory, trigger, () => resolve(true));
    }),
    sleep(loop, 60_000).then(() => false),
  ]);
  stop();
  check('busy processes that hold each other up are reported as pressure', seen);
  check('and counted', (cgroup.stats().cpu?.pressure?.some?.total ?? 0n) > 0n);
  cgroup.kill();
  await Promise.all(busy.map(({ exited }) => exited));
  await removed(cgroup);
}

async function delegation(): Promise<void> {
  const cgroup = create('/delegated');
  cgroup.delegate(1234);
  const owners = ['.', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads', 'cgroup.freeze'].map(
    (file) => stat(file, { at: cgroup.directory }).uid,
  );
  checkEqual('CGN-01 a delegatee owns what it needs and nothing that limits it', owners, [1234, 1234, 1234, 1234, 0]);
  await removed(cgroup);
}

async function openingAgain(): Promise<void> {
  const cgroup = create('/again/c');
  const same = Cgroup.open(home, '/again/c', silentLogger, runtimeCgroupPolicy);
  same.freeze();
  check('a cgroup opened by path is the same one', cgroup.isFreezeRequested);
  same.thaw();
  check('it is empty', !same.isPopulated);
  check('without controllers its statistics are empty', cgroup.stats().pids === undefined);
  same.close();
  await removed(cgroup);
  checkThrows('one that is gone cannot be opened', () => Cgroup.open(home, '/again/c', silentLogger), 'ENOENT');
}

runChecks(async () => {
  await deviceRules();
  await noGap();
  await severalPrograms();
  await limitsWithoutControllers();
  await existing();
  await freezing();
  await killing();
  await largeTrees();
  await pressure();
  await delegation();
  await openingAgain();
  check(
    'nothing but parents is left',
    readDirectory(home).filter(({ name }) => name === 'deep' || name === 'flat').length === 0,
  );
  check('the program runs to its end', true);
});
