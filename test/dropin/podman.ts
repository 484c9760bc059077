import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks, Expected } from './checks.ts';
import type { Place } from './place.ts';
import { run } from './program.ts';
import type { Outcome } from './program.ts';

/** podman needs no daemon; conmon calls the runtime. */
export async function checkPodman(place: Place, checks: Checks): Promise<void> {
  const settings = join(place.folder, 'containers.conf');
  // Its own limits need controllers on the v2 hierarchy, or the right to raise them.
  writeFileSync(
    settings,
    [
      '[containers]',
      'pids_limit = 0',
      'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
      '[engine]',
      'events_logger = "file"',
      'runtime_supports_nocgroup = ["kihon-oci"]',
      '[engine.runtimes]',
      `kihon-oci = [${JSON.stringify(place.runtime)}]`,
      '',
    ].join('\n'),
  );
  const at = (name: string): string => join(place.folder, 'podman', name);
  const own = ['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--cgroup-manager', 'cgroupfs'];
  const podman = (...args: string[]): Promise<Outcome> =>
    run(['podman', ...own, '--runtime', 'kihon-oci', ...args], { CONTAINERS_CONF: settings });
  const first = ['--network', 'none', '--cgroup-parent', `/${place.group}`];
  const start = (...args: string[]): Promise<Outcome> => podman('run', ...first, ...args);
  const check = async (what: string, outcome: Promise<Outcome>, expected: Expected = {}): Promise<void> =>
    checks.expect(`podman: ${what}`, await outcome, expected);

  await check('import', podman('import', place.layer, 'busybox'));
  await check('run', start('--rm', 'busybox', 'sh', '-c', 'id; exit 7'), { code: 7, says: /uid=0/ });
  await check('run of nothing', start('--rm', 'busybox', 'nope'), { code: 127 });
  await check('run of no program', start('--rm', 'busybox', '/etc/passwd'), { code: 126 });
  await check('run --read-only', start('--rm', '--read-only', 'busybox', 'touch', '/x'), { code: 1 });
  await check('run --user', start('--rm', '--user', '1:1', '--group-add', '7', 'busybox', 'id'), { says: /uid=1.*,7/ });
  const status = ['grep', '-E', 'CapBnd|NoNewPrivs|Seccomp:', '/proc/self/status'];
  const strict = ['--cap-drop', 'all', '--security-opt', 'no-new-privileges'];
  await check('run --cap-drop', start('--rm', ...strict, 'busybox', ...status), { says: /CapBnd:\t0+\n.*1\n.*2/ });
  const loose = ['--security-opt', 'seccomp=unconfined'];
  await check('run without seccomp', start('--rm', ...loose, 'busybox', ...status), { says: /Seccomp:\t0/ });
  await check('run -v', start('--rm', '-v', 'named:/n', 'busybox', 'touch', '/n/x'));
  await check('run --tmpfs', start('--rm', '--tmpfs', '/t:size=1m', 'busybox', 'df', '/t'), { says: /1024/ });
  const mapped = ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'];
  await check('run --uidmap', start('--rm', ...mapped, 'busybox', 'cat', '/proc/self/uid_map'), { says: /100000/ });
  await check('run --init', start('--rm', '--init', 'busybox', 'sh', '-c', 'exit 6'), { code: 6 });
  const group = podman('run', '--rm', '--network', 'none', '--cgroups=disabled', 'busybox', 'true');
  await check('run --cgroups=disabled', group);

  const body = 'trap "exit 9" TERM; echo hello; while :; do sleep 0.1; done';
  await check('run -d', start('-d', '--name', 'd', 'busybox', 'sh', '-c', body));
  await check('exec', podman('exec', '-u', '1', 'd', 'sh', '-c', 'id -u; exit 5'), { code: 5, says: /1/ });
  await check('exec of nothing', podman('exec', 'd', 'nope'), { code: 127 });
  await check('top', podman('top', 'd', 'args'), { says: /hello/ });
  await check('pause', podman('pause', 'd'));
  await check('inspect', podman('inspect', '-f', '{{.State.Status}}', 'd'), { says: /paused/ });
  await check('unpause', podman('unpause', 'd'));
  await check('stop', podman('stop', '-t', '5', 'd'));
  await check('its exit code', podman('inspect', '-f', '{{.State.ExitCode}}', 'd'), { says: /^9$/m });
  await check('logs', podman('logs', 'd'), { says: /hello/ });
  await check('restart', podman('restart', 'd'));
  await check('rm -f', podman('rm', '-f', '-t', '0', 'd'));
  const infra = ['--infra-image', 'localhost/busybox', '--infra-command', 'sleep 1000', '--network', 'none'];
  await check('pod create', podman('pod', 'create', ...infra, '--cgroup-parent', `/${place.group}`, '--name', 'p'));
  await check('run --pod', podman('run', '--rm', '--pod', 'p', 'busybox', 'true'));
  await check('pod rm', podman('pod', 'rm', '-f', '-t', '0', 'p'));
  await check(
    'nothing is left',
    podman('ps', '-aq').then((all) => ({ ...all, code: all.stdout.trim().length })),
  );
}
