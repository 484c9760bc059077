import { expect } from 'vitest';
import { withoutNamespace, withUserNamespace } from '../../support/oci-bundle.ts';
import { quote } from '../../support/oci-runtime.ts';
import { section } from '../support/section.ts';

/** [type in the specification, name in /proc/<pid>/ns] */
const TYPES = [
  ['pid', 'pid'],
  ['network', 'net'],
  ['mount', 'mnt'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['user', 'user'],
  ['cgroup', 'cgroup'],
  ['time', 'time'],
] as const;

section('config-linux.md#namespaces', ({ promise, operation }) => {
  for (const [type, name] of TYPES)
    operation(`a new ${type} namespace`, async (runtime) => {
      const { stdout: ours } = await runtime.machine.command(['readlink', `/proc/self/ns/${name}`]);
      const { stdout, stderr } = await runtime.run(`readlink /proc/self/ns/${name}`, (config) => {
        if (type === 'user') withUserNamespace(config);
        else if (!config.linux.namespaces.some((namespace) => namespace.type === type))
          config.linux.namespaces.push({ type });
      });
      expect(stderr).toBe('');
      expect(stdout).toMatch(new RegExp(`^${name}:\\[\\d+\\]\n$`));
      expect(stdout).not.toBe(ours);
    });

  for (const [type, name] of TYPES.filter(([kind]) => kind !== 'mount'))
    operation(`the ${type} namespace of the runtime when none is given`, async (runtime) => {
      const { stdout: ours } = await runtime.machine.command(['readlink', `/proc/self/ns/${name}`]);
      const { stdout } = await runtime.run(`readlink /proc/self/ns/${name}`, (config) => {
        withoutNamespace(config, type);
        if (type === 'network') config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
      });
      expect(stdout).toBe(ours);
    });

  for (const [type, flag, name] of [
    ['network', '--net', 'net'],
    ['ipc', '--ipc', 'ipc'],
    ['uts', '--uts', 'uts'],
    ['cgroup', '--cgroup', 'cgroup'],
    ['pid', '--pid', 'pid'],
  ] as const)
    operation(`a ${type} namespace that is joined by path`, async (runtime) => {
      const { path } = await runtime.bundle('true');
      // A process that lives as long as the script keeps the namespace.
      const script = `unshare ${flag} --fork sleep 50 </dev/null >/dev/null 2>&1 & p=$!
        until c=$(cat /proc/$p/task/$p/children 2>/dev/null) && [ -n "$c" ]; do sleep 0.02; done
        echo $p $c; readlink /proc/\${c% }/ns/${name}`;
      const { stdout: text } = await runtime.machine.command(['sh', '-c', script.replaceAll('\\$', '$')]);
      const [pids = '', theirs = ''] = text.split('\n');
      const [holder = '', child = ''] = pids.trim().split(' ');
      try {
        const { stdout, stderr } = await runtime.run(
          `readlink /proc/self/ns/${name}; ls ${quote(path)} 2>/dev/null`,
          (config) => {
            withoutNamespace(config, type);
            config.linux.namespaces.push({ type, path: `/proc/${child}/ns/${name}` });
          },
        );
        expect(stderr).toBe('');
        expect(stdout.trim()).toBe(theirs);
      } finally {
        await runtime.machine.command(['kill', '-9', holder, child]);
      }
    });

  promise('a path that is no namespace of that type is an error', async (runner) => {
    for (const path of ['/proc/self/ns/uts', '/proc/self/status', '/no/such/file', '/tmp'])
      await runner.refusal((config) => {
        withoutNamespace(config, 'ipc');
        config.linux.namespaces.push({ type: 'ipc', path });
      });
  });

  promise('a path that is not absolute is an error', async (runner) => {
    await runner.refusal((config) => {
      withoutNamespace(config, 'ipc');
      config.linux.namespaces.push({ type: 'ipc', path: 'proc/self/ns/ipc' });
    });
  });

  for (const [type] of TYPES)
    promise(`two entries of the same type are an error: ${type}`, async (runner) => {
      await runner.refusal((config) => {
        if (type === 'user') withUserNamespace(config);
        withoutNamespace(config, type);
        config.linux.namespaces.push({ type }, { type });
      });
    });

  promise('a type that does not exist is an error', async (runner) => {
    await runner.refusal((config) => config.linux.namespaces.push({ type: 'nosuch' }));
  });
});
