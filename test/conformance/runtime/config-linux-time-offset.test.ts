import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('config-linux.md#offset-for-time-namespace', ({ operation }) => {
  operation('timeOffsets are those of the namespace', async (runtime) => {
    const { stdout } = await runtime.run('cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime', (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux['timeOffsets'] = { monotonic: { secs: 1000, nanosecs: 500 }, boottime: { secs: 1_000_000 } };
    });
    const [monotonic = '', boottime = '', uptime = ''] = stdout.split('\n');
    expect(monotonic.split(/\s+/)).toEqual(['monotonic', '1000', '500']);
    expect(boottime.split(/\s+/)).toEqual(['boottime', '1000000', '0']);
    expect(Number(uptime)).toBeGreaterThan(1_000_000);
  });

  operation('an exec has the clocks of the container', async (runtime) => {
    const container = await runtime.create('sleep 100', (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux['timeOffsets'] = { boottime: { secs: 1_000_000 } };
    });
    await container.start();
    expect(Number((await container.exec('cut -d. -f1 /proc/uptime')).stdout)).toBeGreaterThan(1_000_000);
    await container.end();
  });

  operation('offsets without a time namespace of its own are an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux['timeOffsets'] = { boottime: { secs: 1 } };
    });
  });

  operation('a clock that has no offset is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux['timeOffsets'] = { realtime: { secs: 1 } };
    });
  });
});
