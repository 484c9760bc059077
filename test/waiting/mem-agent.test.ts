import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { parsePrometheus } from '../support/metrics/parse-prometheus.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
const VOLUME = '/run/kata-containers/sandbox/storage/volume';
const VOLUME_SLOT = 0x1d;
const DEADLINE_MS = 60_000;
const MEM_AGENT = ['agent.mem_agent_enable=true', 'psi=1'];

const folder = mkdtempSync(join(tmpdir(), 'kihon-mem-'));
const disk = join(folder, 'disk');
writeFileSync(disk, '');
truncateSync(disk, 96 * MIB);
execFileSync('mkfs.ext4', ['-q', '-F', disk], { stdio: 'ignore' });

async function counts(client: AgentClient): Promise<Record<string, number>> {
  const { metrics } = await client.call('GetMetrics', {});
  const family = parsePrometheus(metrics).get('kihon_agent_memory');
  return Object.fromEntries(
    [...(family?.samples.values() ?? [])].map(({ labels, value }) => [labels.get('item') ?? '', value]),
  );
}

describe('the memory agent', { timeout: 240_000 }, () => {
  const fixture = useVm({
    kernelParameters: [...MEM_AGENT, 'agent.mem_agent_compact_disable=true'],
    config: {
      qemuArguments: [
        ...['-drive', `if=none,id=volume,file=${disk},format=raw`],
        ...['-device', `virtio-blk-pci,drive=volume,addr=0x${VOLUME_SLOT.toString(16)}`],
      ],
    },
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gives the cold page cache of a container back, and leaves its processes alone', async () => {
    const { client } = fixture;
    const storages = [
      { driver: 'blk', source: VOLUME_SLOT.toString(16), fstype: 'ext4', options: [], mount_point: VOLUME },
    ];
    await using container = await TestContainer.start(client, {
      root: fixture.root,
      run: 'dd if=/dev/zero of=/data/file bs=1M count=48 2>/dev/null; sync; cat /data/file > /dev/null; echo ready; exec sleep 1000',
      request: { storages },
      mounts: [mount('/data', VOLUME, 'bind', 'rbind', 'rw')],
    });
    const cache = async (): Promise<number> => Number((await container.stats())?.memory_stats?.cache ?? 0n);
    await eventually(async () => expect(await cache()).toBeGreaterThan(40 * MIB), DEADLINE_MS);
    const before = await cache();
    await client.call('MemAgentMemcgSet', {
      period_secs: 1n,
      eviction_run_aging_count_min: 2n,
      period_psi_percent_limit: 100,
      eviction_psi_percent_limit: 100,
    });
    await eventually(async () => expect(await cache()).toBeLessThan(before - 30 * MIB), DEADLINE_MS);
    // Counted when the child that reclaims has ended.
    await eventually(
      async () => expect((await counts(client))['reclaimed_bytes']).toBeGreaterThan(20 * MIB),
      DEADLINE_MS,
    );
    // The agent answers, and the container runs.
    await client.check();
    expect(await container.execute('cat /data/file | wc -c')).toMatchObject({ status: 0, stdout: `${48 * MIB}\n` });
    // Switched off, it does nothing more once what was under way has ended: on, it would run in every one of these pauses.
    await client.call('MemAgentMemcgSet', { disabled: true });
    await eventually(async () => {
      const { reclaim_runs: last } = await counts(client);
      await sleep(2500);
      expect(await counts(client)).toMatchObject({ reclaim_runs: last });
    }, DEADLINE_MS);
  });

  it('compacts free memory when it is told to', async () => {
    const { client } = fixture;
    await client.call('MemAgentCompactSet', {
      disabled: false,
      period_secs: 1n,
      compact_force_times: 0n,
      period_psi_percent_limit: 100,
      compact_psi_percent_limit: 100,
    });
    await eventually(async () => expect((await counts(client))['compactions']).toBeGreaterThan(1), DEADLINE_MS);
    expect(fixture.vm.console).toContain('memory agent: compacted');
    await client.call('MemAgentCompactSet', { disabled: true });
    await client.check();
  });
});

describe('a guest that cannot or shall not', { timeout: 120_000 }, () => {
  it('says that its memory agent is disabled', async () => {
    await using vm = await TestVm.boot();
    const client = await vm.connect();
    await expectStatus(client.call('MemAgentMemcgSet', { swap: true }), 'internal', 'mem-agent is disabled');
    await expectStatus(client.call('MemAgentCompactSet', {}), 'internal', 'mem-agent is disabled');
    await vm.powerOff();
  });

  it('says that it has no pressure information, and boots all the same', async () => {
    await using vm = await TestVm.boot({ kernelParameters: ['agent.mem_agent_enable=true', 'psi=0'] });
    const client = await vm.connect();
    await client.check();
    const text = 'no pressure stall information';
    await expectStatus(
      client.call('MemAgentMemcgSet', {}),
      'internal',
      'ma.memcg_set_config_async fail',
      text,
      'psi=1',
    );
    await expectStatus(client.call('MemAgentCompactSet', {}), 'internal', 'ma.compact_set_config_async fail', text);
    expect(vm.console).toContain('the memory agent cannot work');
    await vm.powerOff();
  });
});
