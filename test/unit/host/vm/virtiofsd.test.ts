import { expect, test } from 'vitest';
import { virtiofsdCommand } from '../../../../host/vm/virtiofsd.ts';

const options = {
  path: '/usr/lib/qemu/virtiofsd',
  socketPath: '/run/kihon/a/share.sock',
  directory: '/run/kihon/a/share',
  binds: [
    { source: '/srv/root', target: 'a/rootfs', readOnly: false },
    { source: '/srv/data', target: 'a-1-data', readOnly: true },
  ],
  logPath: '/dev/null',
  raiseLimits: false,
};

test('runs in namespaces of its own that die with it, and makes the binds there', () => {
  const command = virtiofsdCommand(options);
  expect(command.slice(0, 5)).toEqual(['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL']);
  const binds = command.slice(command.indexOf('kihon-share') + 1, command.lastIndexOf('--'));
  expect(binds).toEqual([
    options.directory,
    ...['/srv/root', '/run/kihon/a/share/a/rootfs', 'rw'],
    ...['/srv/data', '/run/kihon/a/share/a-1-data', 'ro'],
  ]);
});

test('becomes virtiofsd, sandboxed, with announced submounts', () => {
  const command = virtiofsdCommand(options);
  const daemon = command.slice(command.lastIndexOf('--') + 1);
  expect(daemon[0]).toBe('/usr/lib/qemu/virtiofsd');
  expect(daemon).toContain('sandbox=namespace');
  expect(daemon).toContain('announce_submounts');
  expect(daemon).toContain('--rlimit-nofile=0');
  expect(virtiofsdCommand({ ...options, raiseLimits: true })).not.toContain('--rlimit-nofile=0');
});

test('lets the guest keep what it read of a container root, and asks again where volumes are shared', () => {
  expect(virtiofsdCommand({ ...options, binds: options.binds.slice(0, 1) })).toContain('cache=always');
  expect(virtiofsdCommand(options)).toContain('cache=auto');
});
