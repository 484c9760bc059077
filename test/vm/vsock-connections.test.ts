import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AgentClient } from '../../host/client/agent-client.ts';
import { READ_LENGTH, TestContainer } from '../support/container/test-container.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const API_PORT = 1024;
const LOG_PORT = 1025;
/** Long enough that the device has asked the guest, which does not run. */
const GIVE_UP_MS = 300;
/** More than the buffers between guest and host hold. */
const READS = 64;

describe('connections of a host that does not wait', () => {
  // The standing checks find what stays open in the guest.
  const fixture = useVm({ hasWitness: true, kernelParameters: [`agent.log_vport=${LOG_PORT}`] });

  it('that are given up before the guest answers are closed when it does', async () => {
    // QEMU is the last that was started. Its own `stop` would also stop the device.
    const { pid } = fixture.vm.vm.helpers.at(-1) ?? expect.fail('no QEMU');
    process.kill(pid, 'SIGSTOP');
    try {
      const dials = [API_PORT, LOG_PORT, API_PORT].map((port) => fixture.vm.dial(port, GIVE_UP_MS));
      for (const dial of await Promise.allSettled(dials)) expect(dial.status).toBe('rejected');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await fixture.client.check();
  });

  it('that are closed with bytes on the way leave nothing open', async () => {
    const { client, root, vm } = fixture;
    await using container = await TestContainer.start(client, { root, run: 'yes; true' });
    const stream = await vm.dial(API_PORT);
    const hasty = new AgentClient(stream);
    const ids = { container_id: container.id, exec_id: container.id };
    const reads = Array.from({ length: READS }, () => hasty.call('ReadStdout', { ...ids, len: READ_LENGTH }));
    const ends = Promise.allSettled(reads);
    await reads[0];
    // Nobody takes the rest, which fills every buffer on the way.
    stream.pause();
    await sleep(GIVE_UP_MS);
    hasty.close();
    for (const end of (await ends).slice(-1)) expect(end.status).toBe('rejected');
    await client.check();
  });
});
