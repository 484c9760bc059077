import { beforeEach, describe, expect, it } from 'vitest';
import type { AbortSignal } from '../../../../agent/src/base/abort.ts';
import { silentLogger } from '../../../../agent/src/base/log.ts';
import { MemAgent, type MemoryGroup } from '../../../../agent/src/guest/memory/mem-agent.ts';
import { DEFAULT_MEM_AGENT } from '../../../../agent/src/guest/memory/mem-agent-config.ts';
import type { ReclaimOrder } from '../../../../agent/src/guest/memory/reclaim-planner.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const MIB = 1 << 20;
const NO_STALL = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
const stat = (cold: number): string => `anon 1\ninactive_file ${cold}\ninactive_anon 0\nworkingset_refault_file 0\n`;

/** A guest whose clock the test turns. */
class World {
  readonly files = new FakeKernelFiles({
    '/proc/pressure/memory': NO_STALL,
    '/proc/pressure/io': NO_STALL,
    '/proc/buddyinfo': 'Node 0, zone DMA 5000 0 0 0 0 0 0 0 0 0 0\n',
    '/proc/meminfo': 'MemTotal: 1 kB\nSwapFree: 0 kB\n',
  });
  groups: MemoryGroup[] = [];
  now = 0;
  readonly orders: { id: string; order: ReclaimOrder; percent: number }[] = [];
  readonly compactions: { deadlineMs: number; signal: AbortSignal; done: () => void; fail: (error: Error) => void }[] =
    [];
  readonly logged: string[] = [];
  #timers: { due: number; run: () => void }[] = [];

  start(config = DEFAULT_MEM_AGENT): MemAgent {
    return new MemAgent(
      {
        files: this.files,
        groups: () => this.groups,
        nowMs: () => this.now,
        setTimer: (delay, run) => {
          const timer = { due: this.now + delay, run };
          this.#timers.push(timer);
          return () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
          };
        },
        reclaim: (group, order, percent) => {
          this.orders.push({ id: group.id, order, percent });
          return Promise.resolve({ bytes: order.bytes, end: 'done' });
        },
        compact: (deadlineMs, signal) =>
          new Promise((done, fail) => {
            this.compactions.push({ deadlineMs, signal, done, fail });
            signal.onAbort((reason) => fail(reason));
          }),
        log: {
          ...silentLogger,
          error: (text, fields) => void this.logged.push(`${text} ${JSON.stringify(fields)}`),
          warn: (text, fields) => void this.logged.push(`${text} ${JSON.stringify(fields)}`),
        },
      },
      config,
    );
  }

  addGroup(id: string, cold: number): void {
    this.groups.push({ id, path: `/cg/${id}` });
    this.files.files.set(`/cg/${id}/memory.stat`, stat(cold));
  }

  get timers(): number[] {
    return this.#timers.map(({ due }) => due - this.now).sort((a, b) => a - b);
  }

  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    for (;;) {
      const next = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.now = next.due;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.run();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    this.now = end;
  }
}

describe('the memory agent', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  it('reclaims what stayed cold for three periods, from one container after the other', async () => {
    world.addGroup('a', 10 * MIB);
    world.addGroup('b', 20 * MIB);
    const agent = world.start();
    await world.pass(1_200_000);
    expect(world.orders).toEqual([]);
    await world.pass(600_000);
    expect(world.orders.map(({ id, order, percent }) => [id, Number(order.bytes) / MIB, percent])).toEqual([
      ['a', 10, 1],
      ['b', 20, 1],
    ]);
    expect(agent.counts).toMatchObject({ reclaimRuns: 2, reclaimedBytes: BigInt(30 * MIB) });
  });

  it('does at once what the host changes, and keeps what it does not mention', async () => {
    world.addGroup('a', 10 * MIB);
    const agent = world.start();
    agent.setReclaim({ periodSecs: 1n, evictionRunAgingCountMin: 1n });
    agent.setReclaim({ evictionPsiPercentLimit: 7 });
    await world.pass(1000);
    expect(world.orders).toEqual([{ id: 'a', order: { bytes: BigInt(10 * MIB), swappiness: 0 }, percent: 7 }]);
    agent.setReclaim({ isDisabled: true });
    await world.pass(10_000);
    expect(world.orders).toHaveLength(1);
    agent.setReclaim({ isDisabled: false });
    await world.pass(1000);
    expect(world.orders).toHaveLength(2);
  });

  it('has one timer for each half, whatever is set', async () => {
    const agent = world.start();
    for (let count = 0; count < 5; count++) {
      agent.setReclaim({});
      agent.setCompact({});
    }
    expect(world.timers).toEqual([600_000, 600_000]);
    agent.setCompact({ isDisabled: true });
    agent.setReclaim({ isDisabled: true });
    expect(world.timers).toEqual([]);
    agent.setReclaim({ isDisabled: false, periodSecs: 0n });
    expect(world.timers).toEqual([1000]);
    agent.setReclaim({ periodSecs: 2n ** 64n - 1n });
    expect(world.timers).toEqual([0x7fffffff]);
    await world.pass(1);
  });

  it('forgets containers that are gone, and is not disturbed by one that cannot be read', async () => {
    world.addGroup('a', 10 * MIB);
    world.groups.push({ id: 'gone', path: '/cg/gone' });
    world.files.tryRead = (path) => {
      if (path === '/cg/bad/memory.stat') throw new Error('EIO');
      return world.files.files.get(path);
    };
    world.groups.unshift({ id: 'bad', path: '/cg/bad' });
    const agent = world.start();
    agent.setReclaim({ periodSecs: 1n, evictionRunAgingCountMin: 2n });
    await world.pass(2000);
    expect(world.orders.map(({ id }) => id)).toEqual(['a']);
    expect(world.logged).toContain('memory agent: reclaim {"container-id":"bad","error":"EIO"}');
    // Removed and made again under the same name: it is young.
    const [, a] = world.groups;
    world.groups = [];
    await world.pass(1000);
    if (a !== undefined) world.groups = [a];
    world.orders.length = 0;
    await world.pass(1000);
    expect(world.orders).toEqual([]);
  });

  it('compacts when it is worthwhile, for so long at most, and again after a period', async () => {
    const agent = world.start();
    await world.pass(600_000);
    expect(world.compactions.map(({ deadlineMs }) => deadlineMs)).toEqual([300_000]);
    await world.pass(60_000);
    world.files.files.set('/proc/buddyinfo', 'Node 0, zone DMA 0 0 0 0 0 0 0 0 0 0 5\n');
    world.compactions[0]?.done();
    await world.pass(599_999);
    expect(world.compactions).toHaveLength(1);
    world.files.files.set('/proc/buddyinfo', 'Node 0, zone DMA 2000 0 0 0 0 0 0 0 0 0 5\n');
    await world.pass(1);
    expect(world.compactions).toHaveLength(2);
    expect(agent.counts.compactions).toBe(2);
  });

  it('stops a compaction that makes others wait', async () => {
    world.start();
    await world.pass(600_000);
    await world.pass(1000);
    expect(world.compactions[0]?.signal.aborted).toBe(false);
    // 60 ms of the next second.
    world.files.files.set('/proc/pressure/io', 'some avg10=0 avg60=0 avg300=0 total=60000\n');
    await world.pass(1000);
    expect(world.compactions[0]?.signal.aborted).toBe(true);
    expect(world.logged).toEqual(['memory agent: compact {"error":"stopped: tasks waited 6 % of the time"}']);
    expect(world.timers).toHaveLength(2);
  });

  it('says why it cannot work in a guest without pressure information', () => {
    world.files.files.delete('/proc/pressure/memory');
    const agent = world.start();
    expect(world.logged).toHaveLength(1);
    expect(world.logged[0]).toContain('psi=1');
    expect(world.timers).toEqual([]);
    expect(() => agent.setReclaim({})).toThrow(/^ma\.memcg_set_config_async fail: no pressure.*psi=1/);
    expect(() => agent.setCompact({})).toThrow(/^ma\.compact_set_config_async fail: /);
  });
});
