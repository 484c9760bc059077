import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { childrenOf, cpuMs, descriptorsBelow } from '../../support/agent/kernel-view.ts';
import { startAgent, type AgentProcess } from '../../support/agent/start-agent.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { readStream, TestContainer } from '../../support/container/test-container.ts';
import { eventually, within } from '../../support/eventually.ts';
import { amount } from '../../support/long.ts';
import { checkCall } from '../../support/raw/bytes.ts';
import { RawConnection } from '../../support/raw/raw-connection.ts';
import { RpcError } from '../../../host/client/rpc-error.ts';

const MIB = 1 << 20;

describe('staying alive', { timeout: 180_000 }, () => {
  const fixture = useAgent();

  describe('LIV-03: descriptors run out', () => {
    /** Room for the agent itself and little more; an idle agent holds about a dozen. */
    const LIMIT = 64;
    /** Limits above that of the agent cannot be had without CAP_SYS_RESOURCE. */
    const process = { Rlimits: [] };

    it('for connections: accepting pauses, running calls go on, service returns', async () => {
      await using watched = await Watched.start({ openFiles: LIMIT });
      const { agent, client } = watched;
      const container = await TestContainer.start(client, { root: fixture.root, run: 'read x; exit 3', process });
      const wait = container.wait();
      const connections: RawConnection[] = [];
      for (let index = 0; index < LIMIT + 40; index++) connections.push(await RawConnection.open(agent));
      await eventually(() => expect(descriptorsBelow(agent.pid, LIMIT)).toBe(LIMIT));
      const before = { cpu: cpuMs(agent.pid), time: performance.now() };
      await container.write('\n');
      expect(await within(20_000, 'the running call', wait)).toBe(3);
      await client.check();
      await sleep(1000);
      expect((cpuMs(agent.pid) - before.cpu) / (performance.now() - before.time)).toBeLessThan(0.5);
      for (const connection of connections) connection.drop();
      await eventually(async () => {
        await using late = await RawConnection.open(agent);
        await late.send(checkCall(1));
        expect(await late.next()).toMatchObject({ code: 0 });
      });
      await container.remove();
      await watched.alive();
      expect(await agent.stop()).toBe(143);
    });

    it('at any moment of a create or an exec: the request fails, nothing is lost', async () => {
      await using watched = await Watched.start({ openFiles: LIMIT });
      const { agent, client } = watched;
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
      const living = await TestContainer.start(client, { root: fixture.root, run: 'sleep 600', process });
      const free = LIMIT - descriptorsBelow(agent.pid, LIMIT);
      await watched.rebase();
      const outcomes = new Set<string>();
      for (let spare = 0; spare <= Math.min(free, 45); spare++) {
        const fillers = await Promise.all(Array.from({ length: free - spare }, () => RawConnection.open(agent)));
        await eventually(() => expect(descriptorsBelow(agent.pid, LIMIT)).toBeGreaterThanOrEqual(LIMIT - spare));
        for (const terminal of [false, true]) {
          try {
            const container = await TestContainer.create(client, {
              root: fixture.root,
              run: 'true',
              terminal,
              process,
            });
            outcomes.add('created');
            await container.remove();
          } catch (error) {
            expect(error).toBeInstanceOf(RpcError);
            expect((error as RpcError).detail).toMatch(/EMFILE|open files/);
            outcomes.add('refused');
          }
          try {
            const exec = await living.exec('exit 5', { terminal, process });
            expect(await exec.wait()).toBe(5);
            outcomes.add('executed');
          } catch (error) {
            expect((error as RpcError).detail).toMatch(/EMFILE|open files/);
            outcomes.add('not executed');
          }
        }
        for (const filler of fillers) filler.drop();
        await watched.settled();
      }
      expect(outcomes).toEqual(new Set(['created', 'refused', 'executed', 'not executed']));
      await watched.verify();
      await living.remove();
      expect(await agent.stop()).toBe(143);
    });
  });

  describe('LIV-04: process numbers come again', () => {
    /** Starts `sleep` in the agent's pid namespace under the number `pid`, which must be free. Its number outside is returned. */
    function takeNumber(agent: AgentProcess, pid: number): void {
      const script = `
        for attempt in $(seq 200); do
          echo ${pid - 1} > /proc/sys/kernel/ns_last_pid
          sleep 300 & taken=$!
          [ "$taken" = ${pid} ] && exit 0
          kill $taken
        done
        exit 1`;
      // The shell must be in the namespace, with its /proc, to see and to set its numbers; what it started stays behind.
      execFileSync('nsenter', [`--target=${agent.pid}`, '--pid', '--mount', 'sh', '-c', script], { stdio: 'ignore' });
    }
    const isAlive = (agent: AgentProcess, pid: number): boolean => existsSync(agent.path(`/proc/${pid}/stat`));

    it('a bystander with the number of a dead init gets no signal, and is joined by nobody', async () => {
      await using agent = await startAgent({ hasPidNamespace: true });
      const client = await agent.connect();
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
      const container = await TestContainer.start(client, { root: fixture.root, run: 'read x' });
      const [init] = childrenOf(agent.pid);
      const inside = Number(
        execFileSync('sh', ['-c', `grep NSpid /proc/${init?.pid}/status`], { encoding: 'utf8' })
          .trim()
          .split('\t')[2],
      );
      expect(inside).toBeGreaterThan(1);
      expect(isAlive(agent, inside)).toBe(true);
      await container.write('\n');
      await container.stdout();
      await eventually(() => expect(childrenOf(agent.pid)).toEqual([]));
      takeNumber(agent, inside);
      expect(isAlive(agent, inside)).toBe(true);

      for (const signal of [15, 9, 10]) await container.signal(signal).catch(() => undefined);
      await container.killAll();
      await expectStatus(container.exec('true'), ['internal', 'not_found']);
      await container.stats();
      expect(await container.wait()).toBe(0);
      await expectStatus(container.signal(9), 'not_found');
      await container.killAll();
      await container.remove();
      expect(isAlive(agent, inside)).toBe(true);
      expect(await agent.stop()).toBe(143);
    });

    it('nor does one with the number of a dead exec', async () => {
      await using agent = await startAgent({ hasPidNamespace: true });
      const client = await agent.connect();
      const container = await TestContainer.start(client, { root: fixture.root, run: 'sleep 600' });
      const before = childrenOf(agent.pid).map((child) => child.pid);
      const exec = await container.exec('read x');
      const made = childrenOf(agent.pid).find((child) => !before.includes(child.pid));
      const numbers = execFileSync('sh', ['-c', `grep NSpid /proc/${made?.pid}/status`], { encoding: 'utf8' });
      const inside = Number(numbers.trim().split('\t')[2]);
      await exec.write('\n');
      await exec.stdout();
      await eventually(() => expect(childrenOf(agent.pid)).toHaveLength(1));
      takeNumber(agent, inside);
      await exec.signal(9).catch(() => undefined);
      expect(await exec.wait()).toBe(0);
      await expectStatus(exec.signal(9), 'not_found');
      expect(isAlive(agent, inside)).toBe(true);
      await container.remove();
      expect(isAlive(agent, inside)).toBe(true);
      expect(await agent.stop()).toBe(143);
    });
  });

  it('LIV-05: exit codes stay exact while processes come and go in thousands', async () => {
    const churn = await Promise.all(
      Array.from({ length: 2 }, () =>
        TestContainer.start(fixture.client, {
          root: fixture.root,
          run: 'while :; do (true & true & true &); true; done',
        }),
      ),
    );
    const container = await TestContainer.start(fixture.client, { root: fixture.root });
    const codes = Array.from({ length: amount(100, 1000) }, (_, index) => (index * 37) % 256);
    codes.push(0, 1, 127, 255);
    for (let first = 0; first < codes.length; first += 10) {
      const batch = codes.slice(first, first + 10);
      const outcomes = await Promise.all(batch.map((code) => container.execute(`exit ${code}`)));
      expect(outcomes.map((outcome) => outcome.status)).toEqual(batch);
      expect(childrenOf(fixture.agent.pid).filter((child) => child.state === 'Z').length).toBeLessThan(10);
    }
    for (const signal of [1, 2, 3, 6, 9, 15]) {
      const exec = await container.exec(['sleep', '600']);
      await exec.signal(signal);
      expect(await exec.wait()).toBe(128 + signal);
    }
    await fixture.watched.alive();
    await Promise.all([...churn, container].map((one) => one.remove()));
  });

  describe('LIV-06: output that nobody reads', () => {
    it('of 20 containers on both streams stops them, and costs the agent nothing', async () => {
      const containers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          TestContainer.start(fixture.client, { root: fixture.root, run: `yes ${index} >&2 & exec yes ${index}` }),
        ),
      );
      await fixture.watched.alive();
      // All writers block in their pipes after a moment: then the containers use no more CPU.
      const usage = async () =>
        (await Promise.all(containers.map((one) => one.stats()))).map(
          (stats) => stats?.cpu_stats?.cpu_usage?.total_usage,
        );
      await eventually(async () => {
        const before = await usage();
        await sleep(200);
        expect(await usage()).toEqual(before);
      }, 30_000);
      fixture.watched.bounded();
      // A slow reader gets every byte in order.
      const [first] = containers;
      let text = '';
      for (let index = 0; index < 50; index++) text += (await first?.read(1000)) ?? '';
      expect('0\n'.repeat(text.length / 2 + 1).startsWith(text)).toBe(true);
      await Promise.all(containers.map((one) => one.killAll()));
      expect(new Set(await Promise.all(containers.map((one) => one.wait())))).toEqual(new Set([137]));
      await Promise.all(containers.map((one) => one.remove()));
    });

    it('does not keep the exit from being reported', async () => {
      const container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'head -c 65536 /dev/zero; head -c 65536 /dev/zero >&2; exit 9',
      });
      expect(await within(20_000, 'the exit', container.wait())).toBe(9);
      await container.remove();
    });

    it('still comes whole when it is read late, up to the end', async () => {
      const container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done',
      });
      await eventually(async () => {
        const state = childrenOf(fixture.agent.pid).map((child) => child.state);
        await Promise.resolve();
        expect(state).toContain('S');
      });
      const hash = createHash('sha256');
      for await (const piece of readStream(fixture.client, 'ReadStdout', container.id, '')) hash.update(piece);
      const expected = createHash('sha256');
      for (let index = 0; index < 30_000; index++) expected.update(`line ${index}\n`);
      expect(hash.digest('hex')).toBe(expected.digest('hex'));
      expect(await container.wait()).toBe(0);
      await container.remove();
    });

    it('of a terminal in flood stops the writer', async () => {
      const container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'yes', terminal: true });
      await fixture.watched.alive();
      fixture.watched.bounded();
      expect(await container.read(10)).toMatch(/^(y\r\n)+/);
      await container.remove();
    });

    it('and input for one that reads slowly goes through unharmed', async () => {
      const size = amount(32, 1024) * MIB;
      const container = await TestContainer.start(fixture.client, { root: fixture.root, run: ['sha256sum'] });
      const piece = Buffer.alloc(2 * MIB, 'stdin of a great many bytes ');
      const hash = createHash('sha256');
      for (let sent = 0; sent < size; sent += piece.length) {
        hash.update(piece);
        await container.write(piece);
      }
      fixture.watched.bounded(16 << 10);
      await container.closeStdin();
      expect((await container.stdout()).split(' ')[0]).toBe(hash.digest('hex'));
      await container.remove();
    });
  });

  it('LIV-12: signals that the agent does not define change nothing', async () => {
    await using watched = await Watched.start();
    const { agent } = watched;
    // 9 and 19 cannot be ignored; 15 and 2 are the two that end a plain process.
    const ending = [2, 9, 15, 19];
    for (let round = 0; round < 5; round++) {
      for (let signal = 1; signal <= 64; signal++) {
        if (ending.includes(signal) || signal === 32 || signal === 33) continue;
        process.kill(agent.pid, signal);
      }
      await watched.alive();
    }
    await watched.verify();
    expect(await agent.stop()).toBe(143);
  });

  it('LIV-12: a container that calls reboot ends itself at most', async () => {
    const all = ['CAP_SYS_BOOT', 'CAP_KILL'];
    const container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'reboot -f; kill -9 -1; kill -15 1; exit 3',
      process: { Capabilities: { Bounding: all, Effective: all, Permitted: all } },
    });
    expect(await within(20_000, 'the end of the container', container.wait())).toBeGreaterThanOrEqual(0);
    await container.remove();
    await fixture.watched.alive();
  });
});
