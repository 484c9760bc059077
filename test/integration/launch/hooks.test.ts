import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { HookPoint, OciConfig, OciHook } from '../../support/oci-bundle.ts';
import { useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();
const machine = (): ReturnType<typeof runtime>['machine'] => runtime().machine;

const sh = (script: string, more: Partial<OciHook> = {}): OciHook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  env: ['PATH=/bin:/usr/bin'],
  ...more,
});

const withHooks =
  (point: HookPoint, ...hooks: OciHook[]) =>
  (config: OciConfig): void => {
    config.hooks = { [point]: hooks };
  };

/** Where a failure keeps the container from being created. */
const beforeCreated = ['prestart', 'createRuntime', 'createContainer'] as const;

describe('a hook', () => {
  it.each(beforeCreated)('EXE-10 that hangs at %s is killed with its whole group at its timeout', async (point) => {
    // A number of seconds that no other test sleeps for.
    const seconds = 4_000 + process.pid;
    const refusal = await runtime().refusal(
      withHooks(point, sh(`sleep ${seconds} & sleep ${seconds}`, { timeout: 1 })),
    );
    expect(refusal).toContain(`hooks.${point}[0]`);
    expect(refusal).toContain('not done after 1000 ms');
    await eventually(async () => {
      const { stdout } = await machine().command([
        'sh',
        '-c',
        `grep -lsaE '^sleep.${seconds}' /proc/[0-9]*/cmdline; true`,
      ]);
      expect(stdout).toBe('');
    });
  });

  it('EXE-10 that prints without end and reads nothing does no harm', async () => {
    const { status, stderr } = await runtime().run(
      'true',
      withHooks('createRuntime', sh('head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2')),
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.each(beforeCreated)(
    'EXE-10 of %s has its own environment, not the root as its folder, and no descriptors',
    async (point) => {
      const log = `${machine().folder}/log-${point}`;
      const script = `pwd >${log}; tr '\\0' '\\n' </proc/self/environ >>${log}; ls /proc/self/fd >>${log}; umask >>${log}`;
      const container = await runtime().prepare('true', (config) => {
        withHooks(point, sh(script, { env: ['PATH=/bin:/usr/bin', 'ONLY=this'] }))(config);
        config.process.env.push('LD_PRELOAD=/evil.so');
      });
      const { stderr, status } = await runtime().command(['run', '--bundle', container.bundle.path, container.id]);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      const lines = (await machine().read(log)).trim().split('\n');
      expect(lines[0]).toBe(container.bundle.path);
      const environment = lines.filter((line) => line.includes('=') && !/^(PWD|SHLVL|_|OLDPWD)=/.test(line));
      expect(environment).toEqual(['PATH=/bin:/usr/bin', 'ONLY=this']);
      // 1 is the file, 3 the directory that ls reads.
      expect(lines.filter((line) => /^\d$/.test(line))).toEqual(['0', '1', '2', '3']);
      expect(lines.at(-1)).toBe('0022');
    },
  );

  it.each(beforeCreated)(
    'that fails at %s undoes everything; the next ones do not run, poststop does',
    async (point) => {
      const log = `${machine().folder}/after-${point}`;
      const container = await runtime().prepare('true', (config) => {
        config.hooks = {
          [point]: [sh('echo why >&2; exit 3'), sh(`echo next >>${log}`)],
          poststop: [sh(`cat >>${log}`)],
        };
        config.mounts.push({ destination: '/new/place', type: 'tmpfs', source: 'tmpfs' });
      });
      const { path } = container.bundle;
      const { status, stderr } = await runtime().command(['create', '--bundle', path, container.id]);
      expect(status).not.toBe(0);
      expect(stderr).toContain(`hooks.${point}[0]: /bin/sh exited with 3: why`);
      expect(existsSync(join(path, 'rootfs/new'))).toBe(false);
      expect(JSON.parse(await machine().read(log))).toMatchObject({
        id: container.id,
        status: 'stopped',
        bundle: path,
      });
      expect((await runtime().command(['state', container.id])).status).not.toBe(0);
    },
  );

  it('of startContainer runs inside as the user of the container, and its failure keeps the program from running', async () => {
    const container = await runtime().prepare('echo ran', (config) => {
      config.process.user = { uid: 1234, gid: 5678 };
      withHooks('startContainer', sh('id -u; id -g; echo $(readlink /proc/self/ns/pid) $$; exit 9'))(config);
    });
    await container.create();
    const { status, stderr } = await runtime().command(['start', container.id]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/hooks\.startContainer\[0\]: \/bin\/sh exited with 9: 1234\n5678\npid:\[\d+\] \d/);
    await container.stopped();
    expect(await container.stdout()).toBe('');
    await container.delete();
  });

  it('that leaves a daemon of its group leaves nothing, and no zombies for init', async () => {
    const container = await runtime().create(
      'grep -l "State:.Z" /proc/[0-9]*/status; echo looked',
      withHooks('createContainer', sh('sleep 1000 & exit 0'), sh('sleep 1001 & exit 0')),
    );
    await container.start();
    await container.stopped();
    expect(await container.stdout()).toBe('looked\n');
    await container.delete();
  });
});
