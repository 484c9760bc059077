import { existsSync } from 'node:fs';
import { section } from '../support/section.ts';

const skip = existsSync('/sys/fs/resctrl/schemata') ? 'a resctrl file system is mounted on this machine' : undefined;

section('config-linux.md#intelrdt', ({ promise }) => {
  promise(
    'without a mounted resctrl file system it is an error',
    async (runner) => {
      for (const intelRdt of [{ closID: 'group' }, { l3CacheSchema: 'L3:0=f' }, { schemata: ['MB:0=20'] }])
        await runner.refusal((config) => {
          config.linux['intelRdt'] = intelRdt;
        });
    },
    { skip },
  );

  promise('values with a newline, and names that leave the folder, are an error', async (runner) => {
    for (const intelRdt of [{ memBwSchema: 'MB:0=20\nL3:0=f' }, { schemata: ['MB:0=20\nx'] }, { closID: '../x' }])
      await runner.refusal((config) => {
        config.linux['intelRdt'] = intelRdt;
      });
  });
});
