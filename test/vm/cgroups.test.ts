import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { DEFAULT_CAPABILITIES, mount } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { amount } from '../support/long.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
const SIGKILL = 9;
const DEADLINE_MS = 60_000;

/** What every container may read or write (lifecycle section 12.3), as `type major:minor`. */
const COMMON = /^(c 1:[35789]|c 5:[012]|c 136:\d+|c 10:200)$/;

/** Makes a node for every device that the guest has and prints which of them the kernel lets it open, in any way. */
const OPEN_ALL = `
  for type in b c; do
    case $type in b) list=/sys/dev/block ;; *) list=/sys/dev/char ;; esac
    for number in $(ls $list); do
      rm -f /run/node; mknod /run/node $type \${number%:*} \${number#*:} || continue
      for way in '<' '>>'; do
        (eval ": $way /run/node") 2> /run/why
        why=; read -r why < /run/why; case $why in *'not permitted'*) ;; *) echo "$type $number" ;; esac
      done
    done
  done; echo end`;

const ownCgroup = mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'rw', 'nosuid', 'noexec', 'nodev');
const withAdmin = [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'];
const adminCapabilities = { Bounding: withAdmin, Effective: withAdmin, Permitted: withAdmin };
const denyAll = { Allow: false, Access: 'rwm' };

describe('cgroups in a VM', () => {
  const fixture = useVm();

  describe('device rules', () => {
    const opened = (stdout: string): readonly string[] => {
      const lines = stdout.trim().split('\n');
      expect(lines.pop()).toBe('end');
      return [...new Set(lines)];
    };

    it('CGN-05 no device of the guest can be opened in init or exec that the spec does not name', async () => {
      const { client, root } = fixture;
      const run = 'sleep 600';
      await using container = await TestContainer.start(client, {
        root,
        run,
        linux: { Resources: { Devices: [denyAll] } },
      });
      const { stdout, stderr } = await container.execute(OPEN_ALL);
      expect(
        opened(stdout).filter((device) => !COMMON.test(device)),
        stderr,
      ).toEqual([]);
      expect(opened(stdout)).toContain('c 1:3');
      const init = await TestContainer.run(client, { root, run: OPEN_ALL });
      expect(opened(init.stdout).filter((device) => !COMMON.test(device))).toEqual([]);
    });

    it('CGN-05 single access bits, passed devices, and a container that may use everything', async () => {
      const { client, root } = fixture;
      // /dev/fuse: whoever may open it, may read and write it; the share of the guest needs it, so it is there.
      const node = { Path: '/dev/fuse', Type: 'c', Major: 10n, Minor: 229n, FileMode: 0o666 };
      const attempt =
        'mknod /run/k c 10 229; (: < /run/k) 2>/dev/null && echo read; (: >> /run/k) 2>/dev/null && echo write; true';
      const outcome = async (linux: object): Promise<string> =>
        (await TestContainer.run(client, { root, run: attempt, linux })).stdout;
      const rule = { Allow: true, Type: 'c', Major: 10n, Minor: 229n, Access: 'w' };
      expect(await outcome({ Resources: { Devices: [denyAll, rule] } })).toBe('write\n');
      expect(await outcome({ Resources: { Devices: [denyAll, { ...rule, Allow: false }] } })).toBe('');
      expect(await outcome({ Devices: [node], Resources: { Devices: [denyAll] } })).toBe('read\nwrite\n');
      expect(await outcome({ Resources: { Devices: [{ Allow: true, Access: 'rwm' }] } })).toBe('read\nwrite\n');
      const bad = TestContainer.create(client, { root, linux: { Resources: { Devices: [{ ...rule, Access: 'x' }] } } });
      await expectStatus(bad, ['invalid_argument', 'internal'], 'linux.resources.devices[0].access');
    });

    // The 1000 of the case are in test/engine/cgroup: an emulated guest takes a tenth of a second to make a program runnable.
    it('CGN-06 updates, some of them bad, never let a denied device through', async () => {
      const { client, root } = fixture;
      await using container = await TestContainer.start(client, {
        root,
        run: 'mknod /run/k c 10 229; echo ready; while ! (: < /run/k) 2>/dev/null; do sleep 0.01; done; echo opened',
        linux: { Resources: { Devices: [denyAll] } },
      });
      await container.readUntil('ready\n');
      const rule = (minor: bigint) => ({ Allow: true, Type: 'c', Major: 4n, Minor: minor, Access: 'rw' });
      const update = (turn: number): Promise<unknown> =>
        client.call('UpdateContainer', {
          container_id: container.id,
          resources: {
            Devices: [denyAll, rule(BigInt(turn)), ...(turn % 10 === 9 ? [{ ...denyAll, Access: 'z' }] : [])],
          },
        });
      for (let turn = 0; turn < amount(100, 1000); turn++) {
        if (turn % 10 === 9) await expectStatus(update(turn), ['invalid_argument', 'internal'], 'devices[2].access');
        else await update(turn);
      }
      await container.killAll();
      expect(await container.stdout()).toBe('');
    });
  });

  describe('limits', () => {
    it('CGN-04 hold from the first instruction on, for whatever the container starts', async () => {
      const { client, root } = fixture;
      const { stdout } = await TestContainer.run(client, {
        root,
        mounts: [ownCgroup],
        run: '(cat /proc/self/cgroup) & cat /proc/self/cgroup; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max; wait',
        linux: { Resources: { Pids: { Limit: 9n }, Memory: { Limit: BigInt(40 * MIB) } } },
      });
      expect(stdout.trim().split('\n').sort()).toEqual(['0::/', '0::/', String(40 * MIB), '9']);
      for (const Resources of [{ Pids: { Limit: 1n } }, { Memory: { Limit: BigInt(MIB) } }]) {
        const id = freshId();
        const made = TestContainer.create(client, { root, run: 'exit 3', linux: { Resources } }, id);
        const container = await made.catch(() => undefined);
        // It may be too little to start, or just enough; it must be a clean end either way.
        if (container === undefined) continue;
        await container.start().catch(() => undefined);
        await within(DEADLINE_MS, 'its end', container.wait());
        await container.remove();
      }
      await client.check();
    });

    it('CGN-04 an exec joins a container whose init moved to a sub-group, threaded or not', async () => {
      const { client, root } = fixture;
      for (const type of ['domain', 'threaded']) {
        await using container = await TestContainer.start(client, {
          root,
          mounts: [ownCgroup],
          run: `cd /sys/fs/cgroup && mkdir own && { [ ${type} = domain ] || echo threaded > own/cgroup.type; } &&
            echo $$ > own/cgroup.procs && echo ready && exec sleep 600`,
        });
        await container.readUntil('ready\n');
        const { stdout } = await container.execute('cat /proc/self/cgroup');
        expect(stdout).toMatch(/^0::\/(own)?\n$/);
      }
    });

    it('of CPU time are real, and an update changes one half of them', async () => {
      const { client, root } = fixture;
      await using container = await TestContainer.start(client, {
        root,
        mounts: [ownCgroup],
        run: 'while :; do :; done',
        linux: { Resources: { CPU: { Quota: 5000n, Period: 50_000n, Cpus: '0' } } },
      });
      await eventually(async () => {
        const cpu = (await container.stats())?.cpu_stats?.throttling_data;
        expect(cpu?.throttled_periods).toBeGreaterThan(2n);
        expect(cpu?.throttled_time).toBeGreaterThan(0n);
      }, DEADLINE_MS);
      await client.call('UpdateContainer', { container_id: container.id, resources: { CPU: { Quota: 20_000n } } });
      const { stdout } = await container.execute(
        'cat /sys/fs/cgroup/cpu.max; grep Cpus_allowed_list /proc/self/status; head -c4 /sys/fs/cgroup/cpu.pressure',
      );
      expect(stdout).toMatch(/^20000 50000\nCpus_allowed_list:\t0\nsome/);
    });

    it('CGN-06 an update that cannot be done as a whole changes nothing', async () => {
      const { client, root } = fixture;
      await using container = await TestContainer.start(client, {
        root,
        mounts: [ownCgroup],
        run: 'sleep 600',
        linux: { Resources: { Memory: { Limit: BigInt(64 * MIB) }, Pids: { Limit: 50n } } },
      });
      const bad = client.call('UpdateContainer', {
        container_id: container.id,
        resources: { CPU: { Quota: 7000n, Mems: '9' }, Memory: { Limit: BigInt(32 * MIB) }, Pids: { Limit: 5n } },
      });
      await expectStatus(bad, ['internal', 'invalid_argument', 'failed_precondition'], 'linux.resources.cpu.mems');
      const files = 'cat cpu.max memory.max pids.max';
      expect((await container.execute(`cd /sys/fs/cgroup; ${files}`)).stdout).toBe(`max 100000\n${64 * MIB}\n50\n`);
      await client.call('UpdateContainer', {
        container_id: container.id,
        resources: { Memory: { Limit: BigInt(48 * MIB), Swap: BigInt(48 * MIB) }, Pids: { Limit: 0n } },
      });
      expect((await container.execute(`cd /sys/fs/cgroup; ${files}`)).stdout).toBe(`max 100000\n${48 * MIB}\nmax\n`);
    });

    it('CGN-03 names that lead out of the container’s cgroup are refused', async () => {
      const { client, root } = fixture;
      const paths = ['../../x', '/..', 'a/../../..', 'a:b:../c', '/a\nb', `/${'a'.repeat(5000)}`];
      const refused = ['invalid_argument', 'internal'] as const;
      for (const CgroupsPath of paths) {
        await expectStatus(TestContainer.create(client, { root, linux: { CgroupsPath } }), refused, 'cgroupsPath');
      }
      const Resources = { HugepageLimits: [{ Pagesize: '2MB/../../x', Limit: 1n }] };
      await expectStatus(TestContainer.create(client, { root, linux: { Resources } }), refused, 'hugepageLimits[0]');
    });

    it('CGN-02 no v1 hierarchy can be mounted, and no helper of the kernel be set', async () => {
      const { client, root } = fixture;
      const { stdout } = await TestContainer.run(client, {
        root,
        process: { Capabilities: adminCapabilities },
        run: `mkdir /run/v1; for c in memory cpu pids devices rdma none,name=x; do
          mount -t cgroup -o $c v1 /run/v1 2>/dev/null && echo mounted $c; done
          ls /sys/kernel/uevent_helper 2>/dev/null; echo end`,
      });
      expect(stdout).toBe('end\n');
      const plain = await TestContainer.run(client, {
        root,
        run: `mkdir /run/v1; mount -t cgroup2 v2 /run/v1 2>/dev/null && echo mounted
          for f in kernel/core_pattern kernel/modprobe kernel/poweroff_cmd fs/binfmt_misc/register; do
          (echo x > /proc/sys/$f) 2>/dev/null && echo $f; done; echo end`,
      });
      expect(plain.stdout).toBe('end\n');
    });
  });

  it('LIV-01 a fork bomb within its limit holds up neither stats, exec, kill nor remove', async () => {
    const { client, root } = fixture;
    const container = await TestContainer.start(client, {
      root,
      run: 'echo go; b() { b | b & }; while :; do b; done 2>/dev/null',
      linux: { Resources: { Pids: { Limit: 64n } } },
    });
    await container.readUntil('go\n');
    await eventually(
      async () => expect((await container.stats())?.pids_stats?.current).toBeGreaterThan(50n),
      DEADLINE_MS,
    );
    // There may be no place for one more process, which has to be said at once.
    await within(
      DEADLINE_MS,
      'an exec',
      container.execute('true').catch(() => undefined),
    );
    await within(DEADLINE_MS, 'the kill', container.killAll());
    // 2: the shell gave up before, because it could not fork.
    expect([2, 128 + SIGKILL]).toContain(await container.wait());
    await within(DEADLINE_MS, 'the removal', container.remove());
    await client.check();
  });

  it('CGN-10 CGN-11 deep, wide, threaded and frozen groups of a container are gone with it', async () => {
    const { client, root } = fixture;
    const container = await TestContainer.start(client, {
      root,
      mounts: [ownCgroup],
      run: `cd /sys/fs/cgroup && mkdir frozen threads threads/t && echo threaded > threads/t/cgroup.type
        sleep 600 & echo $! > frozen/cgroup.procs; echo 1 > frozen/cgroup.freeze
        i=0; while [ $i -lt 300 ]; do mkdir wide$i; i=$((i+1)); done
        i=0; while [ $i -lt 100 ]; do mkdir d && cd d; i=$((i+1)); done
        sleep 600 & echo $! > cgroup.procs; echo ready; while :; do sleep 0.01; done`,
    });
    await container.readUntil('ready\n');
    await within(DEADLINE_MS, 'the removal', container.remove());
    await expectStatus(container.stats(), 'not_found');
    expect(await TestContainer.run(client, { root, run: 'echo next' }, container.id)).toMatchObject({
      stdout: 'next\n',
    });
  });
});
