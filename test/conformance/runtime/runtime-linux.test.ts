import { expect } from 'vitest';
import { quote } from '../../support/oci-runtime.ts';
import { section } from '../support/section.ts';

section('runtime-linux.md#file-descriptors', ({ promise, operation }) => {
  promise('only stdin, stdout and stderr are open', async (runner) => {
    const { stdout } = await runner.run(['/bin/ls', '/proc/self/fd']);
    // The last one is that of the listing.
    expect(stdout.trim().split('\n')).toEqual(['0', '1', '2', '3']);
  });

  operation('what the caller of the runtime has open is not passed on', async (runtime) => {
    const container = await runtime.prepare(['/bin/ls', '/proc/self/fd']);
    const { path } = container.bundle;
    const command = [...runtime.argv, '--root', runtime.stateFolder, 'run', '--bundle', path, container.id];
    const script = `exec 5</etc/hostname 7</etc/hostname; exec ${command.map(quote).join(' ')}`;
    const { stdout } = await runtime.machine.command(['sh', '-c', script]);
    expect(stdout.trim().split('\n')).toEqual(['0', '1', '2', '3']);
  });

  operation('--preserve-fds passes that many', async (runtime) => {
    const container = await runtime.prepare('cat <&3; cat <&4');
    const { path } = container.bundle;
    await runtime.machine.write(`${path}/three`, 'three\n');
    await runtime.machine.write(`${path}/four`, 'four\n');
    const command = [...runtime.argv, '--root', runtime.stateFolder, 'run', '--preserve-fds', '2', '--bundle', path];
    const script = `exec 3<${path}/three 4<${path}/four; exec ${command.map(quote).join(' ')} ${container.id}`;
    expect((await runtime.machine.command(['sh', '-c', script])).stdout).toBe('three\nfour\n');
  });
});

section('runtime-linux.md#dev-symbolic-links', ({ promise }) => {
  for (const [path, target] of [
    ['/dev/fd', '/proc/self/fd'],
    ['/dev/stdin', '/proc/self/fd/0'],
    ['/dev/stdout', '/proc/self/fd/1'],
    ['/dev/stderr', '/proc/self/fd/2'],
  ] as const)
    promise(`${path} is a link to ${target}`, async (runner) => {
      expect((await runner.run(`readlink ${path}`)).stdout).toBe(`${target}\n`);
    });
});
