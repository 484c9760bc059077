import { expect } from 'vitest';
import { section } from '../support/section.ts';

/** Makes nodes and says for each whether it opens. */
const TRY = `cd /dev/shm
  mknod kmsg c 1 11; mknod mem c 1 1; mknod null c 1 3
  for d in kmsg mem null; do (: <$d) 2>why; grep -q 'not permitted' why || echo $d; done; echo end`;

section('config-linux.md#allowed-device-list', ({ operation }) => {
  const cases: readonly (readonly [string, Record<string, unknown>[], string[]])[] = [
    ['everything is denied but the default devices', [{ allow: false, access: 'rwm' }], ['null']],
    [
      'one device is allowed',
      [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 11, access: 'rwm' },
      ],
      ['kmsg', 'null'],
    ],
    [
      'entries apply in the listed order: a later one wins',
      [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 11, access: 'rwm' },
        { allow: false, type: 'c', major: 1, minor: 11, access: 'rwm' },
      ],
      ['null'],
    ],
    [
      'access that is not asked for is not given',
      [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 11, access: 'wm' },
      ],
      ['null'],
    ],
    [
      'a major number without a minor number means all',
      [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, access: 'rwm' },
      ],
      ['kmsg', 'mem', 'null'],
    ],
  ];
  for (const [title, devices, expected] of cases)
    operation(title, async (runtime) => {
      const { stdout } = await runtime.run(TRY, (config) => {
        config.linux.resources = { devices };
        const capabilities = ['CAP_MKNOD', 'CAP_SYS_RAWIO', 'CAP_SYS_ADMIN', 'CAP_SYSLOG', 'CAP_DAC_OVERRIDE'];
        config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
        for (const mount of config.mounts)
          if (mount.destination === '/dev/shm') mount.options = ['mode=1777', 'size=65536k'];
      });
      expect(stdout.trim().split('\n')).toEqual([...expected, 'end']);
    });

  operation('types and access that do not exist are an error', async (runtime) => {
    for (const rule of [
      { allow: true, type: 'x', access: 'r' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'q' },
    ])
      await runtime.refusal((config) => {
        config.linux.resources = { devices: [rule] };
      });
  });
});
