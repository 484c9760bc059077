import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { cpuMs } from '../../support/agent/kernel-view.ts';
import { createRequest } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { amount, isLong } from '../../support/long.ts';
import { services } from '../../../proto/gen/services.js';
import { agentCall, checkCall, chunk, tag, varint } from '../../support/raw/bytes.ts';
import { RawConnection } from '../../support/raw/raw-connection.ts';

const OK = 0;
const RESOURCE_EXHAUSTED = 8;
const CAP_KIB = 32 << 10;

describe('connections', { timeout: 120_000 }, () => {
  const fixture = useAgent();
  const open = () => RawConnection.open(fixture.agent);
  const encode = (method: 'CreateContainer' | 'ExecProcess', message: object): Uint8Array =>
    services.method('grpc.AgentService', method).request.encode(message);

  describe('TTR-05: a client that goes away', () => {
    const ways: readonly [string, (connection: RawConnection) => void][] = [
      ['with the end of its half', (connection) => connection.halfClose()],
      ['altogether', (connection) => connection.drop()],
    ];

    it.each(ways)('%s during waits leaves nothing', async (_, go) => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root });
      const id = chunk(1, container.id);
      for (let round = 0; round < amount(100, 10_000); round++) {
        const connection = await open();
        await connection.send(
          agentCall(1, 'WaitProcess', id),
          agentCall(3, 'ReadStdout', Buffer.concat([id, tag(3, 0), varint(100)])),
          agentCall(5, 'GetOOMEvent'),
          checkCall(7),
        );
        expect(await connection.answerOn(7)).toMatchObject({ code: OK });
        go(connection);
        if (round % 10 === 0) await fixture.watched.alive();
        connection.drop();
      }
      fixture.watched.bounded();
    });

    it('during CreateContainer gets it finished or rolled back, never half', async () => {
      for (let round = 0; round < amount(30, 1000); round++) {
        const id = freshId('gone');
        const connection = await open();
        const request = createRequest(id, { root: fixture.root, run: 'sleep 600', terminal: round % 2 === 0 });
        await connection.send(agentCall(1, 'CreateContainer', encode('CreateContainer', request)));
        if (round % 3 === 0) connection.halfClose();
        else connection.drop();
        // Whatever became of it, the id can be used: by removing it, or by creating it again.
        const container = await eventually(async () => {
          const attached = TestContainer.attach(fixture.client, id);
          const state = await attached.start().then(
            () => 'created',
            () => 'nothing',
          );
          if (state === 'created') return attached;
          return await TestContainer.create(fixture.client, { root: fixture.root }, id);
        });
        await container.remove();
        connection.drop();
      }
    });

    it('during an exec with a terminal leaves an exec or none', async () => {
      await using container = await TestContainer.start(fixture.client, { root: fixture.root });
      const { processSpec } = await import('../../support/container/container-spec.ts');
      for (let round = 0; round < amount(30, 1000); round++) {
        const connection = await open();
        const request = {
          container_id: container.id,
          exec_id: freshId('gone'),
          process: processSpec({ run: 'sleep 600', terminal: true }),
        };
        await connection.send(agentCall(1, 'ExecProcess', encode('ExecProcess', request)));
        connection.drop();
      }
      await fixture.watched.alive();
    });

    it('and half-closed still gets the answer to a create that takes its time', async () => {
      const connection = await open();
      const id = freshId('half');
      const request = createRequest(id, { root: fixture.root, run: 'exit 3' });
      await connection.send(agentCall(1, 'CreateContainer', encode('CreateContainer', request)));
      connection.halfClose();
      expect(await connection.next()).toMatchObject({ streamId: 1, code: OK });
      await connection.closed();
      const container = TestContainer.attach(fixture.client, id);
      await container.start();
      expect(await container.wait()).toBe(3);
      await container.remove();
    });
  });

  describe('TTR-06: slow and idle connections', () => {
    it('in great number leave others served, and cost nothing', async () => {
      // Together below the cap on connections (1024), beyond which the test after this one goes.
      const idle = await Promise.all(Array.from({ length: amount(300, 740) }, open));
      const slow = await Promise.all(Array.from({ length: amount(100, 256) }, open));
      for (const connection of slow) await connection.send(checkCall(1).subarray(0, 3));
      await fixture.watched.alive();
      fixture.watched.bounded(CAP_KIB);
      // Once what came with them is done; an agent that is kept busy has no such pause.
      await eventually(async () => {
        const before = { cpu: cpuMs(fixture.agent.pid), time: performance.now() };
        await sleep(2000);
        const used = cpuMs(fixture.agent.pid) - before.cpu;
        expect(used / (performance.now() - before.time)).toBeLessThan(0.05);
      });
      for (const connection of [...idle, ...slow]) connection.drop();
    });

    it('beyond the cap make room: the oldest idle one is closed, new ones and busy ones are served', async () => {
      // An agent of its own: the connection that the fixture holds would be the first to go.
      await using agent = await startAgent();
      await using client = await agent.connect();
      const container = await TestContainer.start(client, { root: fixture.root, run: 'read x; exit 7' });
      await using busy = await RawConnection.open(agent);
      await busy.send(agentCall(1, 'WaitProcess', chunk(1, container.id)));
      const connections: RawConnection[] = [];
      for (let index = 0; index < 1100; index++) {
        const connection = await RawConnection.open(agent);
        // In order of age, and each known to have been accepted.
        await connection.send(checkCall(1));
        await connection.next();
        connections.push(connection);
      }
      await eventually(() => expect(client.isClosed).toBe(true));
      await eventually(() => expect(connections.at(0)?.isClosed).toBe(true));
      expect(connections.at(-1)?.isClosed).toBe(false);
      await using late = await agent.connect();
      await TestContainer.attach(late, container.id).write('\n');
      expect(await busy.next()).toMatchObject({ streamId: 1, code: OK });
      for (const connection of connections) connection.drop();
      expect(await agent.stop()).toBe(143);
    });

    it.runIf(isLong)(
      'that dribble a frame are cut off after a minute, and those that send frame after frame are not',
      { timeout: 200_000 },
      async () => {
        const [dribbling, busy] = [await open(), await open()];
        const whole = checkCall(1);
        const [front, back] = [whole.subarray(0, 15), whole.subarray(15)];
        // In the middle of a frame after every read.
        await busy.send(front);
        for (let second = 0; second < 90; second++) {
          if (!dribbling.isClosed && second % 3 === 0) await dribbling.send(whole.subarray(second / 3, second / 3 + 1));
          await busy.send(back, front);
          expect(await busy.next()).toMatchObject({ code: OK });
          await sleep(1000);
        }
        expect(dribbling.isClosed).toBe(true);
        expect(busy.isClosed).toBe(false);
        for (const connection of [dribbling, busy]) connection.drop();
      },
    );

    it('coming in a storm are all served', async () => {
      for (let round = 0; round < amount(3, 30); round++) {
        const storm = await Promise.all(
          Array.from({ length: 200 }, async () => {
            const connection = await open();
            await connection.send(checkCall(1));
            return connection;
          }),
        );
        for (const connection of storm) {
          expect(await connection.next()).toMatchObject({ code: OK });
          connection.drop();
        }
      }
    });
  });

  it('TTR-07: a peer that does not read its answers stops itself only', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: ['yes'] });
    const connection = await open();
    connection.socket.pause();
    const read = Buffer.concat([chunk(1, container.id), tag(3, 0), varint(65_536)]);
    const requests = Array.from({ length: amount(3000, 10_000) }, (_, index) =>
      agentCall(2 * index + 1, 'ReadStdout', read),
    );
    // The agent stops reading at some point, so this cannot be waited for.
    void connection.send(...requests);
    await fixture.watched.alive();
    expect((await container.execute('echo served')).stdout).toBe('served\n');
    fixture.watched.bounded(CAP_KIB);
    await fixture.watched.alive();
    connection.drop();
  });

  it('TTR-08: calls in flight have a limit, and those below it survive', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'read x; exit 5' });
    const connection = await open();
    const wait = (streamId: number) => agentCall(streamId, 'WaitProcess', chunk(1, container.id));
    const total = amount(10_000, 100_000);
    const ids = Array.from({ length: total }, (_, index) => 2 * index + 1);
    for (let index = 0; index < total; index += 1000)
      await connection.send(...ids.slice(index, index + 1000).map(wait));
    await connection.send(agentCall(2 * total + 1, 'GetOOMEvent'));
    const refused = await connection.answerOn(2 * total + 1);
    expect(refused.code).toBe(RESOURCE_EXHAUSTED);
    await fixture.watched.alive();
    fixture.watched.bounded(CAP_KIB);
    const early = connection.answers.length;
    expect(connection.answers.every((answer) => answer.code === RESOURCE_EXHAUSTED)).toBe(true);
    await container.write('\n');
    await eventually(() => expect(connection.answers.length).toBe(total));
    const late = connection.answers.slice(early);
    expect(late.length).toBeGreaterThan(0);
    expect(late.every((answer) => answer.code === OK)).toBe(true);
    connection.drop();
  });
});
