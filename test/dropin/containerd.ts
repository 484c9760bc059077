import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Checks } from './checks.ts';
import { imageName } from './place.ts';
import type { Place } from './place.ts';
import { Daemon, run } from './program.ts';
import type { Outcome } from './program.ts';

/** A containerd with state of its own. */
export function containerdAddress(place: Place): string {
  return join(place.folder, 'containerd.sock');
}

export async function startContainerd(place: Place): Promise<Daemon> {
  const path = (name: string): string => JSON.stringify(join(place.folder, 'containerd', name));
  const config = join(place.folder, 'containerd.toml');
  writeFileSync(
    config,
    [
      'version = 2',
      `root = ${path('root')}`,
      `state = ${path('state')}`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      '[grpc]',
      `address = ${JSON.stringify(containerdAddress(place))}`,
      '[plugins."io.containerd.internal.v1.opt"]',
      `path = ${path('opt')}`,
      '',
    ].join('\n'),
  );
  const isReady = async (): Promise<boolean> =>
    (await run(['ctr', '-a', containerdAddress(place), 'version'])).code === 0;
  return await Daemon.start(['containerd', '-c', config], join(place.folder, 'containerd.log'), isReady);
}

/** `ctr run` and the life of a task. */
export async function checkContainerd(place: Place, daemon: Daemon, checks: Checks): Promise<void> {
  const ctr = (...args: string[]): Promise<Outcome> =>
    run(['ctr', '-a', containerdAddress(place), '-n', place.group, ...args]);
  const ours = ['--runc-binary', place.runtime, '--runc-root', join(place.folder, 'runc-root')];
  const task = async (id: string, options: string[], ...args: string[]): Promise<Outcome> =>
    await ctr('run', '--rm', ...ours, ...options, imageName, id, ...args);
  const check = (what: string, outcome: Outcome, expected = {}): void =>
    checks.expect(`containerd: ${what}`, outcome, expected);

  check('image import', await ctr('image', 'import', place.archive));
  check('run gives the exit code', await task('a', [], 'sh', '-c', 'id; exit 7'), { code: 7, says: /uid=0/ });
  check('run --read-only', await task('b', ['--read-only'], 'touch', '/x'), { code: 1, says: /Read-only/ });
  check('run --seccomp', await task('c', ['--seccomp'], 'grep', 'Seccomp:', '/proc/self/status'), { says: /\t2/ });
  check('run --net-host', await task('d', ['--net-host'], 'ls', '/sys/class/net'), { says: /lo/ });
  check('a missing program is said', await task('e', [], '/nope'), { code: 1, says: /no such file or directory/ });
  await ctr('containers', 'rm', 'e');

  const body = 'trap "exit 9" TERM; while :; do sleep 0.1; done';
  check('run -d', await ctr('run', '-d', ...ours, imageName, 't', 'sh', '-c', body));
  const exec = (id: string, ...args: string[]): Promise<Outcome> => ctr('task', 'exec', '--exec-id', id, 't', ...args);
  check('task exec', await exec('x1', 'sh', '-c', 'pwd; exit 5'), { code: 5, says: /^\//m });
  check('task exec of nothing', await exec('x2', 'nope'), { code: 1, says: /executable file not found in \$PATH/ });
  check('task ps', await ctr('task', 'ps', 't'), { says: /\d+/ });
  check('task metrics', await ctr('task', 'metrics', 't'), { says: /METRIC/ });
  check('task pause', await ctr('task', 'pause', 't'));
  check('task ls, paused', await ctr('task', 'ls'), { says: /PAUSED/ });
  check('task resume', await ctr('task', 'resume', 't'));
  check('task kill', await ctr('task', 'kill', '-s', 'TERM', 't'));
  await sleep(1000);
  check('task ls, stopped', await ctr('task', 'ls'), { says: /STOPPED/ });
  // ctr's own exit code is not the task's; it warns of that one.
  check('task delete', await ctr('task', 'delete', 't'), { says: /exit code 9/ });
  check('container delete', await ctr('containers', 'delete', 't'));
  check('delete --force', await ctr('run', '-d', ...ours, imageName, 'f', 'sleep', '1000'));
  check('of a running task', await ctr('task', 'delete', '--force', 'f'));
  await ctr('containers', 'delete', 'f');
  const complaints = daemon.messages
    .split('\n')
    .filter((line) => /level=error/.test(line) && line.includes('kihon-oci'));
  check('no complaints of the shim', { code: complaints.length, stdout: complaints.join('\n'), stderr: '' });
}
