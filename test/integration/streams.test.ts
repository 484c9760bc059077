import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { childrenOf } from '../support/agent/kernel-view.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { freshId, readStream, TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';

const MIB = 1 << 20;

describe('a stream', () => {
  const fixture = useAgent();
  const start = (run: string | readonly string[]) => TestContainer.start(fixture.client, { root: fixture.root, run });

  it('carries 64 MiB out, every byte in its place', async () => {
    await using container = await start(
      'dd if=/dev/urandom of=/tmp/data bs=1M count=64 2>/dev/null; sha256sum < /tmp/data >&2; exec cat /tmp/data',
    );
    const hash = createHash('sha256');
    let length = 0;
    const [expected] = await Promise.all([
      container.stderr(),
      (async () => {
        for await (const chunk of readStream(fixture.client, 'ReadStdout', container.id, '')) {
          hash.update(chunk);
          length += chunk.length;
        }
      })(),
    ]);
    expect(length).toBe(64 * MIB);
    expect(expected.split(' ')[0]).toBe(hash.digest('hex'));
    expect(await container.wait()).toBe(0);
    await (await TestContainer.start(fixture.client, { root: fixture.root, run: 'rm /tmp/data' })).remove();
  });

  it('carries 64 MiB in, every byte in its place', async () => {
    await using container = await start(['sha256sum']);
    const hash = createHash('sha256');
    for (let sent = 0; sent < 64 * MIB; sent += MIB) {
      const piece = randomBytes(MIB);
      hash.update(piece);
      expect(await container.write(piece)).toBe(piece.length);
    }
    await container.closeStdin();
    expect((await container.stdout()).split(' ')[0]).toBe(hash.digest('hex'));
    expect(await container.wait()).toBe(0);
  });

  it('carries both ways at once through one process', async () => {
    await using container = await start(['cat']);
    const sent = createHash('sha256');
    const received = createHash('sha256');
    const reading = (async () => {
      for await (const chunk of readStream(fixture.client, 'ReadStdout', container.id, '')) received.update(chunk);
    })();
    for (let index = 0; index < 16; index++) {
      const piece = randomBytes(MIB + index);
      sent.update(piece);
      await container.write(piece);
    }
    await container.closeStdin();
    await reading;
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it('takes 4 MB in one message, and the bytes of any kind', async () => {
    await using container = await start(['sha256sum']);
    const piece = randomBytes(4_000_000);
    expect(await container.write(piece)).toBe(piece.length);
    await container.closeStdin();
    expect((await container.stdout()).split(' ')[0]).toBe(createHash('sha256').update(piece).digest('hex'));
  });

  it('gives at most what was asked for, and what is there', async () => {
    await using container = await start('head -c 100 /dev/zero; sleep 600');
    const read = async (len: number) =>
      (await fixture.client.call('ReadStdout', { container_id: container.id, len })).data.length;
    const first = await read(10);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(10);
    expect(await read(0xffff_ffff)).toBeLessThanOrEqual(100 - first);
  });

  it('answers a read of no bytes without bytes', async () => {
    await using container = await start('echo x; sleep 600');
    const { data } = await fixture.client.call('ReadStdout', { container_id: container.id, len: 0 });
    expect(data.length).toBe(0);
    expect(await container.read()).toBe('x\n');
  });

  it('still gives everything after the process has ended', async () => {
    await using container = await start('head -c 60000 /dev/zero; exit 3');
    await eventually(() => expect(childrenOf(fixture.agent.pid)).toEqual([]));
    expect((await container.stdout()).length).toBe(60_000);
    expect(await container.wait()).toBe(3);
  });

  it('ends although a background process holds it, once the process has ended', async () => {
    await using container = await start('sleep 600 & echo x');
    expect(await within(20_000, 'the end of the stream', container.stdout())).toBe('x\n');
    expect(await container.wait()).toBe(0);
  });

  it('keeps an answer for a reader that gives up', async () => {
    await using container = await start('read line; echo "$line"; sleep 600');
    const { client } = fixture;
    await expectStatus(
      client.call('ReadStdout', { container_id: container.id, len: 100 }, { timeoutMs: 100 }),
      'deadline_exceeded',
    );
    const gone = await fixture.agent.connect();
    const abandoned = gone.call('ReadStdout', { container_id: container.id, len: 100 }).catch(() => undefined);
    await gone.check();
    gone.close();
    await abandoned;
    await container.write('precious\n');
    expect(await container.read()).toBe('precious\n');
  });

  it('serves reads of one stream in order', async () => {
    await using container = await start('read x; printf abcdef; sleep 600');
    const reads = Array.from({ length: 6 }, () => container.read(1));
    await container.write('\n');
    expect((await Promise.all(reads)).join('')).toBe('abcdef');
  });

  it.each([
    ['an empty write', (container: TestContainer) => container.write('')],
    ['CloseStdin', (container: TestContainer) => container.closeStdin()],
  ])('to the process ends with %s', async (_, end) => {
    await using container = await start(['cat']);
    await container.write('last words');
    await end(container);
    expect(await container.stdout()).toBe('last words');
    expect(await container.wait()).toBe(0);
  });

  it('to the process can be closed twice and not written afterwards', async () => {
    await using container = await start('cat; sleep 600');
    await container.closeStdin();
    await container.closeStdin();
    await expectStatus(container.write('x'), 'internal', 'Cannot get writer');
  });

  it('to a process that closed its end fails as a broken pipe', async () => {
    await using container = await start('exec 0<&-; echo closed; sleep 600');
    await container.readUntil('closed');
    await expectStatus(container.write('x'), 'internal', 'Broken pipe');
  });

  it('to a process that does not read waits, and nobody else does', async () => {
    await using container = await start('sleep 600');
    const blocked = container.write(Buffer.alloc(MIB)).then(
      () => 'written',
      () => 'ended',
    );
    const reads = Array.from({ length: 50 }, () => container.stdout());
    const exec = await container.execute('echo others go on');
    expect(exec.stdout).toBe('others go on\n');
    await fixture.watched.alive();
    await container.killAll();
    expect(await within(20_000, 'the blocked write', blocked)).toBe('ended');
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['']));
  });

  it('of a process that is gone is not found', async () => {
    await using container = await start('exit 0');
    await container.finish();
    const ids = { container_id: container.id, exec_id: '' };
    await expectStatus(fixture.client.call('ReadStdout', { ...ids, len: 1 }), 'not_found', 'InitProcessNotFound');
    await expectStatus(
      fixture.client.call('ReadStderr', { ...ids, exec_id: freshId(), len: 1 }),
      'not_found',
      'InvalidExecId',
    );
  });
});
