import { describe, expect, it } from 'vitest';
import type { AgentMethod } from '../../../host/client/agent-client.ts';
import { RpcError } from '../../../host/client/rpc-error.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { createRequest, processSpec } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { within } from '../../support/eventually.ts';
import { isLong } from '../../support/long.ts';

describe('calls', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  describe('API-01: ids', () => {
    const hostile = [
      ...['', '.', '..', 'a/b', 'a/../b', '../x', '-x', '.x', '_x', 'x'.repeat(256), 'x'.repeat(1025), 'a\nb', '%n%s'],
      ...['a b', 'a:b', 'контейнер', 'e\u0301e', 'aé', 'a\u200bb', '/', 'a\\b', 'a\u0000b', '*', '~', '$(x)'],
    ];
    const shown = hostile.map(
      (id) => [JSON.stringify(id.length > 30 ? `${id.slice(0, 3)}... (${id.length})` : id), id] as const,
    );

    it.each([...shown, ['"a"', 'a'] as const])('%s is no id of a container', async (_, id) => {
      const create = fixture.client.call('CreateContainer', createRequest(id, { root: fixture.root }));
      const text = await expectStatus(create, 'invalid_argument', 'container_id');
      expect(text.length).toBeLessThan(500);
      expect(text).not.toContain('\n');
    });

    it.each(shown)('%s is no id of an exec', async (_, id) => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root });
      const request = { container_id: container.id, exec_id: id, process: processSpec({ run: 'true' }) };
      await expectStatus(fixture.client.call('ExecProcess', request), 'invalid_argument', 'exec_id');
    });

    it.each(shown)('%s finds nothing, whatever is asked of it', async (_, id) => {
      const methods: [AgentMethod, object][] = [
        ...(['StartContainer', 'RemoveContainer', 'StatsContainer', 'PauseContainer', 'ResumeContainer'] as const).map(
          (method): [AgentMethod, object] => [method, { container_id: id }],
        ),
        ...(['WaitProcess', 'CloseStdin', 'TtyWinResize', 'ReadStdout', 'ReadStderr', 'WriteStdin'] as const).map(
          (method): [AgentMethod, object] => [method, { container_id: id, exec_id: id }],
        ),
        ['SignalProcess', { container_id: id, signal: 9 }],
        ['ExecProcess', { container_id: id, exec_id: 'x', process: processSpec({ run: 'true' }) }],
      ];
      for (const [method, request] of methods) {
        const text = await expectStatus(fixture.client.call(method, request), ['not_found', 'invalid_argument']);
        expect(text.length).toBeLessThan(5000);
      }
    });

    it.each(shown.filter(([, id]) => id !== ''))('%s is no id of a sandbox', async (_, id) => {
      await expectStatus(fixture.client.call('CreateSandbox', { sandbox_id: id }), 'invalid_argument', 'sandbox_id');
    });

    it.each(['ab', 'A0', '0_.-', 'x'.repeat(64), 'io.kubernetes.cri-o_1'])('%s is one', async (id) => {
      expect((await TestContainer.run(fixture.client, { root: fixture.root, run: 'exit 3' }, id)).status).toBe(3);
    });
  });

  describe('API-02: ids of execs', () => {
    it('that are taken are refused, and whoever has them is unharmed', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'read x; exit 3' });
      await expectStatus(container.exec('true', { execId: container.id }), 'already_exists', container.id);
      const live = await container.exec('read x; echo "$x"; exit 4');
      await expectStatus(container.exec('true', { execId: live.execId }), 'already_exists', live.execId);
      await live.write('mine\n');
      expect(await live.stdout()).toBe('mine\n');
      // It has ended, and nobody has waited for it yet.
      await expectStatus(container.exec('true', { execId: live.execId }), 'already_exists', live.execId);
      expect(await live.wait()).toBe(4);
      await container.write('\n');
      expect(await container.wait()).toBe(3);
      // The first process is gone for good, and its name stays taken.
      await expectStatus(container.exec('true', { execId: container.id }), ['already_exists', 'internal', 'not_found']);
    });

    it('may be the same in two containers: streams and exit codes never cross', async () => {
      await using one = await TestContainer.start(fixture.client, { root: fixture.root });
      await using two = await TestContainer.start(fixture.client, { root: fixture.root });
      for (const execId of [freshId(), two.id, one.id].slice(0, 2)) {
        const pair = await Promise.all([
          one.exec('read x; echo one $x; exit 1', { execId: execId === two.id ? two.id : execId }),
          execId === two.id ? undefined : two.exec('read x; echo two $x; exit 2', { execId }),
        ]);
        await pair[1]?.write('b\n');
        await pair[0].write('a\n');
        expect(await pair[0].finish()).toEqual({ stdout: 'one a\n', stderr: '', status: 1 });
        if (pair[1] !== undefined) expect(await pair[1].finish()).toEqual({ stdout: 'two b\n', stderr: '', status: 2 });
      }
    });

    it('asked for ten times at once are given once', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root });
      const execId = freshId('e');
      const tries = await Promise.allSettled(Array.from({ length: 10 }, () => container.exec('exit 6', { execId })));
      const won = tries.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      expect(won).toHaveLength(1);
      for (const attempt of tries)
        if (attempt.status === 'rejected') expect((attempt.reason as RpcError).code).toBe('already_exists');
      expect(await won[0]?.wait()).toBe(6);
    });
  });

  describe('API-03: a second create', () => {
    it('fails early and leaves processes, cgroup and streams of the first', async () => {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'echo up; read x; exit 5',
      });
      for (let round = 0; round < 5; round++) {
        const again = createRequest(container.id, { root: fixture.root, run: round % 2 === 0 ? 'true' : ['/nope'] });
        await expectStatus(fixture.client.call('CreateContainer', again), 'already_exists', container.id);
      }
      expect(await container.read()).toBe('up\n');
      expect((await container.execute('exit 2')).status).toBe(2);
      await container.write('\n');
      expect(await container.wait()).toBe(5);
    });

    it('ten times at once has one winner', async () => {
      const id = freshId();
      const tries = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) =>
          TestContainer.create(fixture.client, { root: fixture.root, run: `exit ${index}` }, id),
        ),
      );
      const won = tries.flatMap((attempt, index) => (attempt.status === 'fulfilled' ? [index] : []));
      expect(won).toHaveLength(1);
      for (const attempt of tries)
        if (attempt.status === 'rejected') expect((attempt.reason as RpcError).code).toBe('already_exists');
      const container = TestContainer.attach(fixture.client, id);
      await container.start();
      expect(await container.wait()).toBe(won[0]);
      await container.remove();
    });

    it('after one that failed is a first one', async () => {
      const id = freshId();
      for (const run of [['/nope'], ['/nope'], 'exit 4']) {
        const attempt = TestContainer.create(fixture.client, { root: fixture.root, run }, id);
        if (typeof run !== 'string') await expectStatus(attempt, 'internal', '/nope');
        else await attempt;
      }
      const container = TestContainer.attach(fixture.client, id);
      await container.start();
      expect(await container.wait()).toBe(4);
      await container.remove();
    });

    it('while the first is being removed is refused or comes after, never between', async () => {
      for (let round = 0; round < 10; round++) {
        const id = freshId();
        const container = await TestContainer.start(fixture.client, { root: fixture.root }, id);
        const [removed, created] = await Promise.allSettled([
          container.remove(),
          TestContainer.create(fixture.client, { root: fixture.root, run: 'exit 8' }, id),
        ]);
        expect(removed.status).toBe('fulfilled');
        if (created.status === 'rejected') {
          expect((created.reason as RpcError).code).toBe('already_exists');
          continue;
        }
        await created.value.start();
        expect(await created.value.wait()).toBe(8);
        await created.value.remove();
      }
    });
  });

  describe('API-04: calls out of order', () => {
    type Operation = (id: string) => Promise<unknown>;
    const client = () => fixture.client;
    const operations: Record<string, Operation> = {
      create: (id) => client().call('CreateContainer', createRequest(id, { root: fixture.root, run: 'sleep 600' })),
      start: (id) => client().call('StartContainer', { container_id: id }),
      exec: (id) =>
        client().call('ExecProcess', {
          container_id: id,
          exec_id: freshId('e'),
          process: processSpec({ run: 'true' }),
        }),
      signal: (id) => client().call('SignalProcess', { container_id: id, exec_id: id, signal: 10 }),
      kill: (id) => client().call('SignalProcess', { container_id: id, exec_id: '', signal: 9 }),
      wait: (id) => client().call('WaitProcess', { container_id: id, exec_id: id }, { timeoutMs: 100 }),
      update: (id) => client().call('UpdateContainer', { container_id: id }),
      pause: (id) => client().call('PauseContainer', { container_id: id }),
      resume: (id) => client().call('ResumeContainer', { container_id: id }),
      stats: (id) => client().call('StatsContainer', { container_id: id }),
      remove: (id) => client().call('RemoveContainer', { container_id: id }),
    };
    const names = Object.keys(operations);
    const outcome = async (name: string, id: string): Promise<string> => {
      try {
        await within(20_000, name, (operations[name] as Operation)(id));
        return 'ok';
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        expect(error.detail).not.toMatch(/\n\s+at /);
        return error.code;
      }
    };
    const cleanUp = async (id: string): Promise<void> => {
      await client()
        .call('RemoveContainer', { container_id: id })
        .catch(() => undefined);
    };
    /** Codes that a call may have besides success, whatever came before. */
    const allowed: readonly string[] = [
      ...['ok', 'not_found', 'already_exists', 'internal', 'deadline_exceeded', 'invalid_argument'],
    ];

    it('in pairs get the same answers each time', async () => {
      const rounds: string[][] = [[], []];
      for (const round of rounds) {
        for (const prepare of isLong
          ? [[], ['create'], ['create', 'start'], ['create', 'start', 'pause']]
          : [['create', 'start']]) {
          for (const first of names) {
            for (const second of names) {
              const id = freshId('p');
              for (const step of prepare) await outcome(step, id);
              round.push(
                `${prepare.join()} ${first} ${second}: ${await outcome(first, id)} ${await outcome(second, id)}`,
              );
              await cleanUp(id);
            }
          }
        }
      }
      expect(rounds[0]).toEqual(rounds[1]);
      for (const line of rounds[0] ?? [])
        for (const code of line.split(': ')[1]?.split(' ') ?? []) expect(allowed).toContain(code);
    });

    it.each(names.filter((name) => name !== 'create'))('%s says "gone" of what was removed', async (name) => {
      const id = freshId('g');
      await outcome('create', id);
      await outcome('remove', id);
      expect(await outcome(name, id)).toBe('not_found');
    });

    it('all at once come to an end, and waiters agree', async () => {
      for (let round = 0; round < (isLong ? 50 : 5); round++) {
        const id = freshId('a');
        await outcome('create', id);
        await outcome('start', id);
        const waiters = Array.from({ length: 3 }, () =>
          client()
            .call('WaitProcess', { container_id: id, exec_id: id })
            .then(
              (answer) => answer.status,
              (error: unknown) => (error as RpcError).code,
            ),
        );
        const shuffled = [...names].sort((a, b) => ((round * 7 + a.length) % 5) - ((round * 3 + b.length) % 5));
        const codes = await within(60_000, 'all calls', Promise.all(shuffled.map((name) => outcome(name, id))));
        for (const code of codes) expect(allowed).toContain(code);
        await cleanUp(id);
        const ends = await within(20_000, 'the waiters', Promise.all(waiters));
        const statuses = new Set(ends.filter((end) => typeof end === 'number'));
        expect(statuses.size).toBeLessThanOrEqual(1);
      }
    });

    it('with a DestroySandbox among them end, all of them', async () => {
      await using agent = await startAgent();
      const own = await agent.connect();
      await own.call('CreateSandbox', { sandbox_id: 'pod' });
      const container = await TestContainer.start(own, { root: fixture.root });
      const calls = [
        container.wait(),
        container.stdout(),
        container.execute('sleep 600'),
        own.call('GetOOMEvent', {}),
        TestContainer.create(own, { root: fixture.root }),
        own.call('DestroySandbox', {}),
        TestContainer.create(own, { root: fixture.root }),
        container.stats(),
        container.remove(),
      ];
      const outcomes = await within(60_000, 'all calls', Promise.allSettled(calls));
      expect(outcomes[5]?.status).toBe('fulfilled');
      expect(await agent.exit()).toBe(0);
    });
  });
});
