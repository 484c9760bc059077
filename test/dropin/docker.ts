import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks, Expected } from './checks.ts';
import { containerdAddress } from './containerd.ts';
import type { Place } from './place.ts';
import { Daemon, run } from './program.ts';
import type { Outcome } from './program.ts';

function endpoint(place: Place): string {
  return `unix://${join(place.folder, 'docker.sock')}`;
}

/** Works by the containerd of this run, and keeps its hands off the machine's network. */
export async function startDocker(place: Place): Promise<Daemon> {
  const at = (name: string): string => join(place.folder, 'docker', name);
  const config = join(place.folder, 'docker.json');
  writeFileSync(
    config,
    JSON.stringify({
      'data-root': at('root'),
      'exec-root': at('exec'),
      pidfile: join(place.folder, 'docker.pid'),
      hosts: [endpoint(place)],
      containerd: containerdAddress(place),
      'containerd-namespace': place.group,
      'containerd-plugins-namespace': `${place.group}-plugins`,
      iptables: false,
      ip6tables: false,
      'ip-forward': false,
      'ip-masq': false,
      bridge: 'none',
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      'cgroup-parent': `/${place.group}`,
      runtimes: { kihon: { path: place.runtime } },
      'default-runtime': 'kihon',
    }),
  );
  const isReady = async (): Promise<boolean> => (await docker(place, 'version')).code === 0;
  return await Daemon.start(['dockerd', '--config-file', config], join(place.folder, 'docker.log'), isReady);
}

function docker(place: Place, ...args: string[]): Promise<Outcome> {
  return run(['docker', '-H', endpoint(place), ...args]);
}

/** `docker run` and the life of a container. */
export async function checkDocker(place: Place, checks: Checks): Promise<void> {
  const start = (...args: string[]): Promise<Outcome> => docker(place, 'run', '--network', 'none', ...args);
  const check = async (what: string, outcome: Promise<Outcome>, expected: Expected = {}): Promise<void> =>
    checks.expect(`docker: ${what}`, await outcome, expected);

  await check('import', docker(place, 'import', place.layer, 'busybox'));
  await check('run', start('--rm', 'busybox', 'sh', '-c', 'id; exit 7'), { code: 7, says: /uid=0/ });
  await check('run of nothing', start('--rm', 'busybox', 'nope'), { code: 127 });
  await check('run of no program', start('--rm', 'busybox', '/etc/passwd'), { code: 126 });
  const names = docker(place, 'run', '--rm', '--network', 'host', '--pid', 'host', 'busybox', 'ls', '/sys/class/net');
  await check('run --network host', names, { says: /lo/ });
  await check('run --init', start('--rm', '--init', 'busybox', 'sh', '-c', 'exit 6'), { code: 6 });
  await check('run --read-only', start('--rm', '--read-only', 'busybox', 'touch', '/x'), { code: 1 });
  const body = 'trap "exit 9" TERM; echo hello; while :; do sleep 0.1; done';
  await check('run -d', start('-d', '--name', 'life', 'busybox', 'sh', '-c', body));
  await check('exec', docker(place, 'exec', 'life', 'sh', '-c', 'exit 5'), { code: 5 });
  await check('top', docker(place, 'top', 'life'), { says: /hello/ });
  await check('pause', docker(place, 'pause', 'life'));
  await check('unpause', docker(place, 'unpause', 'life'));
  await check('stop', docker(place, 'stop', '-t', '5', 'life'));
  await check('its exit code', docker(place, 'inspect', '-f', '{{.State.ExitCode}}', 'life'), { says: /^9$/m });
  await check('logs', docker(place, 'logs', 'life'), { says: /hello/ });
  await check('rm', docker(place, 'rm', 'life'));
}
