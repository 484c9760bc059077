import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { TestContainer, type TestProcess } from '../../support/container/test-container.ts';
import { within } from '../../support/eventually.ts';

const MIB = 1 << 20;
/** What a request may ask for at most: the field has 32 bits. */
const EVERYTHING = 0xffff_ffff;
const STREAMS = 200;

describe('API-11: streams asked for too much', { timeout: 120_000 }, () => {
  const fixture = useAgent();
  const read = async (process: TestProcess, len: number): Promise<number> => {
    const ids = { container_id: process.containerId, exec_id: process.execId };
    return (await fixture.client.call('ReadStdout', { ...ids, len })).data.length;
  };

  it('a read of 4 GiB on 200 streams takes the memory of what is there', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root });
    const execs: TestProcess[] = [];
    for (let index = 0; index < STREAMS / 2; index++)
      execs.push(await container.exec(`echo ${index}; echo ${index} >&2; read x; exit ${index % 256}`));
    const asked = execs.map((exec) => {
      const ids = { container_id: exec.containerId, exec_id: exec.execId, len: EVERYTHING };
      const { client } = fixture;
      return Promise.all([client.call('ReadStdout', ids), client.call('ReadStderr', ids)]);
    });
    for (const [index, answers] of (await Promise.all(asked)).entries())
      for (const { data } of answers) expect(Buffer.from(data).toString()).toBe(`${index}\n`);
    // The same again, now with nothing to read: every one of them waits.
    const waiting = execs.map((exec) => exec.finish());
    await fixture.watched.alive();
    fixture.watched.bounded();
    await Promise.all(execs.map((exec) => exec.write('\n')));
    const outcomes = await Promise.all(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(execs.map((_, index) => index % 256));
  });

  it('a read gives what is there, and never more than one reply may hold', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: ['yes'] });
    for (const len of [EVERYTHING, 0x8000_0000, 0x7fff_ffff, 16 * MIB]) {
      const got = await read(container, len);
      expect(got).toBeGreaterThan(0);
      expect(got).toBeLessThanOrEqual(64 << 10);
    }
    expect(await read(container, 0)).toBe(0);
    fixture.watched.bounded();
  });

  it('4 MiB for a process that never reads wait, and say so at the deadline; what comes after is whole', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'trap "exec cat" USR1; echo up; while :; do sleep 0.1; done',
    });
    await container.readUntil('up\n');
    const ids = { container_id: container.id, exec_id: '' };
    const data = Buffer.alloc(4_000_000, 'a');
    const writes = [1, 2, 3].map(() =>
      expectStatus(fixture.client.call('WriteStdin', { ...ids, data }, { timeoutMs: 500 }), 'deadline_exceeded'),
    );
    await fixture.watched.alive();
    await Promise.all(writes);
    // One that asks for more than a frame may hold never gets there.
    await expect(fixture.client.call('WriteStdin', { ...ids, data: Buffer.alloc(4 * MIB) })).rejects.toThrow();
    // Only the first write had begun; it stays cut, and nothing of the others is in the pipe.
    await container.signal(10);
    const written = container.write('END');
    const text = await within(20_000, 'what was written', container.readUntil('END'));
    await written;
    expect(text).toMatch(/^a*END$/);
    expect(text.length).toBeLessThan(data.length);
  });

  it('CloseStdin twice is one end, also with a write that waits', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'sleep 1; exec wc -c',
    });
    const write = container.write(Buffer.alloc(MIB));
    await Promise.all([container.closeStdin(), container.closeStdin()]);
    await container.closeStdin();
    await expectStatus(container.write('late'), 'internal', 'stdin is closed');
    expect(await write).toBe(MIB);
    expect((await container.stdout()).trim()).toBe(String(MIB));
  });

  it('a window has the size that 16 bits hold, and a pipe has none', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'while read x; do stty size; done',
      terminal: true,
    });
    await container.resize(0, 0);
    await container.resize(70_000, 70_000);
    await container.resize(EVERYTHING, EVERYTHING);
    await container.resize(70_000, 24);
    await container.write('\n');
    expect(await container.readUntil(' 24\r\n')).toContain(`${70_000 & 0xffff} 24`);
    await using piped = await TestContainer.start(fixture.client, { root: fixture.root });
    for (const row of [0, 24, 70_000, EVERYTHING]) await expectStatus(piped.resize(row, row), 'unavailable', 'no tty');
    await fixture.watched.alive();
  });
});
