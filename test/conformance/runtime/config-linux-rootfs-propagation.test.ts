import { expect } from 'vitest';
import { mountAt } from '../support/facts.ts';
import { section } from '../support/section.ts';

section('config-linux.md#rootfs-mount-propagation', ({ operation }) => {
  for (const [value, expected] of [
    ['private', []],
    ['rprivate', []],
    ['shared', ['shared']],
    ['unbindable', ['unbindable']],
    ['runbindable', ['unbindable']],
    [undefined, []],
  ] as const)
    operation(`rootfsPropagation ${value ?? 'absent'}`, async (runtime) => {
      const { stdout } = await runtime.run('cat /proc/self/mountinfo', (config) => {
        if (value !== undefined) config.linux.rootfsPropagation = value;
      });
      const kinds = mountAt(stdout, '/').propagation.map((word) => word.replace(/:\d+$/, ''));
      expect(kinds.filter((kind) => kind !== 'master' && kind !== 'propagate_from')).toEqual(expected);
    });

  operation('slave: what is mounted outside appears in the container, and not the other way round', async (runtime) => {
    const container = await runtime.prepare('sleep 100', (config) => {
      config.linux.rootfsPropagation = 'rslave';
      config.process.capabilities = {
        bounding: ['CAP_SYS_ADMIN'],
        effective: ['CAP_SYS_ADMIN'],
        permitted: ['CAP_SYS_ADMIN'],
      };
    });
    const { path } = container.bundle;
    const root = `${path}/rootfs`;
    const command = [...runtime.argv, '--root', runtime.stateFolder].join(' ');
    // Everything in one mount namespace, whose root file system mount is shared.
    const script = `
      mount --bind ${root} ${root} && mount --make-shared ${root} && mkdir -p ${root}/from-outside ${root}/from-inside
      ${command} create --bundle ${path} ${container.id} </dev/null >/dev/null 2>&1 && ${command} start ${container.id} || exit 1
      mount -t tmpfs outside ${root}/from-outside
      ${command} exec ${container.id} mount -t tmpfs inside /from-inside
      ${command} exec ${container.id} cat /proc/self/mountinfo
      echo ===
      cat /proc/self/mountinfo
      ${command} delete --force ${container.id}`;
    const { stdout } = await runtime.machine.command([
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
    ]);
    const [inside = '', outside = ''] = stdout.split('===\n');
    expect(mountAt(inside, '/from-outside').source).toBe('outside');
    expect(mountAt(inside, '/from-inside').source).toBe('inside');
    expect(outside).toContain(`${root}/from-outside`);
    expect(outside).not.toContain(`${root}/from-inside`);
  });

  operation('an unknown value is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.rootfsPropagation = 'sideways';
    });
  });
});
