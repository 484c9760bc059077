import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRpcError } from '../../../host/client/rpc-error.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { describeTree } from '../../support/agent/canary.ts';
import { childrenOf } from '../../support/agent/kernel-view.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import { NameSwapper } from '../../support/rootfs/name-swapper.ts';

describe('MNT-05: a /proc that a second container swaps', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  it('takes no write meant for the kernel: each effect is real, or the create fails', async () => {
    const root = await fixture.roots.copy();
    const fake = join(root, 'fake');
    const files = [
      'self/attr/exec',
      'self/oom_score_adj',
      'thread-self/attr/exec',
      '1/oom_score_adj',
      'sys/net/ipv4/ip_forward',
    ];
    for (const file of files) {
      mkdirSync(join(fake, file, '..'), { recursive: true });
      writeFileSync(join(fake, file), 'untouched');
    }
    // Names that are exchanged: the mount point itself, a link to the fake, and beside both of them a folder.
    mkdirSync(join(root, 'proc'), { recursive: true });
    symlinkSync('fake', join(root, 'proc-link'));
    const before = describeTree(fake);
    const forwards = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
    await using swapper = await NameSwapper.start(root, 'proc', 'proc-link');
    let made = 0;
    for (let round = 0; round < amount(60, 500); round++) {
      const options = {
        root,
        process: { OOMScoreAdj: 321n },
        linux: {
          Namespaces: [{ Type: 'mount' }, { Type: 'network' }],
          Sysctl: new Map([['net.ipv4.ip_forward', '1']]),
        },
      };
      try {
        await using container = await TestContainer.create(fixture.client, options, freshId());
        made += 1;
        const init = childrenOf(fixture.agent.pid).at(-1)?.pid;
        expect(readFileSync(`/proc/${init}/oom_score_adj`, 'utf8')).toBe('321\n');
        await container.remove();
      } catch (error) {
        if (!isRpcError(error)) throw error;
      }
    }
    expect(swapper.isRunning).toBe(true);
    expect(made).toBeGreaterThan(0);
    expect(describeTree(fake)).toEqual(before);
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(forwards);
  });
});
