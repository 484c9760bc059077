/** Runs as PID 1 of a VM, inside the engine: what boot leaves behind. Prints one line per promise and powers the VM off. */
import { AT_EMPTY_PATH, CLONE_NEWNS, MNT_DETACH, O_RDONLY } from '../../../agent/src/abi/constants.ts';
import { silentLogger } from '../../../agent/src/base/log.ts';
import { bootEarly, bootLate, INIT_PATH, prepareProcess } from '../../../agent/src/guest/boot/boot-as-init.ts';
import { DEFAULT_CONFIG } from '../../../agent/src/guest/config/agent-config.ts';
import { powerOffGuest } from '../../../agent/src/guest/shutdown/power-off.ts';
import { openSelfExecutable } from '../../../agent/src/libcontainer/launch/self-executable.ts';
import { exists, open, readDirectory, readlink, readText, stat } from '../../../agent/src/sys/file.ts';
import { unmount } from '../../../agent/src/sys/mount.ts';
import { blockUntilReadable } from '../../../agent/src/sys/poll.ts';
import { clone3, execveat, exit, getRlimit, setns, unshare } from '../../../agent/src/sys/process.ts';
import { monotonicMs } from '../../../agent/src/sys/system.ts';
import { check } from '../../support/engine/checks.ts';

const RLIMIT_NOFILE = 7;

/** Runs checks in a child, so that what it does to its namespaces ends with it. */
function inChild(work: () => void): void {
  const child = clone3({ flags: 0 });
  if (child === 'child') {
    try {
      work();
    } catch (error) {
      check('the child runs to its end', false, String(error));
    } finally {
      exit(0);
    }
  }
  check('the child ends', blockUntilReadable(child.pidfd, 10_000));
}

function mountTable(): void {
  const rows = readText('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' '));
  const typeOf = (path: string): string | undefined => rows.findLast((row) => row[1] === path)?.[2];
  const expected = {
    '/': 'tmpfs',
    '/proc': 'proc',
    '/sys': 'sysfs',
    '/dev': 'devtmpfs',
    '/dev/shm': 'tmpfs',
    '/dev/pts': 'devpts',
    '/run': 'tmpfs',
    '/sys/fs/cgroup': 'cgroup2',
  };
  for (const [path, type] of Object.entries(expected)) check(`${path} is ${type}`, typeOf(path) === type, typeOf(path));
}

/** What a container with CAP_SYS_ADMIN over the guest's own mount namespace could find under the root (MNT-15). */
function underTheRoot(): void {
  check('the agent has no name', readlink('/proc/1/exe').endsWith(' (deleted)') && !exists('/init'));
  inChild(() => {
    unshare(CLONE_NEWNS);
    const namespace = open('/proc/self/ns/mnt', O_RDONLY);
    unmount('/', MNT_DETACH);
    setns(namespace, CLONE_NEWNS);
    check('nothing lies under the root (MNT-15)', readDirectory('/').length === 0);
    check('and nothing above it (MNT-15)', !exists('/../../init') && readDirectory('../../..').length === 0);
  });
}

/** The ELF runs without a name; children must still be able to execute it. */
function ownExecutable(): void {
  const executable = openSelfExecutable();
  check('no second copy of the agent is made', !executable.what.includes('memfd'), executable.what);
  inChild(() => execveat(executable, '', ['kihon-oci'], [], AT_EMPTY_PATH));
}

function settings(): void {
  check('the agent has its own cgroup', readText('/proc/self/cgroup').trim() === '0::/kihon-agent');
  const minimum = readText('/sys/fs/cgroup/kihon-agent/memory.min').trim();
  check('its memory is protected', Number(minimum) > 0, minimum);
  const controllers = readText('/sys/fs/cgroup/cgroup.subtree_control').trim().split(' ');
  const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.includes(name));
  check('controllers are enabled for containers', missing.length === 0, missing.join(' '));
  check('/dev/ptmx leads to devpts', readlink('/dev/ptmx') === '/dev/pts/ptmx');
  check('the guest has a name', readText('/proc/sys/kernel/hostname').trim() !== '(none)');
  check('lo is up', (Number(readText('/sys/class/net/lo/flags').trim()) & 1) === 1);
  check('many descriptors are allowed', getRlimit(RLIMIT_NOFILE).soft >= 1n << 20n);
  check(
    'standard streams are open',
    [0, 1, 2].every((number) => exists(`/proc/self/fd/${number}`)),
  );
  check('modules are loaded and their files gone', !exists('/lib/modules/kihon.load'));
  check('the root can be written to', stat('/').mode === 0o40755 && INIT_PATH.includes('/bin'));
}

const start = monotonicMs();
try {
  bootEarly(silentLogger);
  const middle = monotonicMs();
  bootLate(DEFAULT_CONFIG, silentLogger);
  const before = prepareProcess(silentLogger);
  const end = monotonicMs();
  check('the old limit of descriptors is known', before.soft > 0n && before.soft <= before.hard);
  mountTable();
  settings();
  ownExecutable();
  underTheRoot();
  const memory = readText('/proc/meminfo').split('\n').slice(0, 3).join(', ').replaceAll(/ +/g, ' ');
  check(`boot took ${(middle - start).toFixed(0)} + ${(end - middle).toFixed(0)} ms; ${memory}`, true);
} catch (error) {
  check('boot succeeds', false, String(error));
}
check('the program runs to its end', true);
powerOffGuest();
