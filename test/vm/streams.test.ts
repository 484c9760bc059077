import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TestContainer, type TestProcess } from '../support/container/test-container.ts';
import { amount } from '../support/long.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
/** What hosts put into one WriteStdin, and ask for in one read. */
const PIECE = 32 << 10;
const TOTAL = amount(16, 64) * MIB;

describe('stdio of a container in a VM, through vhost-device-vsock', () => {
  const fixture = useVm();

  /** Random, but the same block again and again: the checksum tells order and loss, and making it costs nothing. */
  const block = randomBytes(PIECE);

  async function send(process: TestProcess, bytes: number): Promise<string> {
    const hash = createHash('sha256');
    for (let sent = 0; sent < bytes; sent += PIECE) {
      block.writeUInt32BE(sent, 0);
      hash.update(block);
      for (let offset = 0; offset < PIECE;) offset += await process.write(block.subarray(offset));
    }
    await process.closeStdin();
    return hash.digest('hex');
  }

  async function receive(process: TestProcess): Promise<{ bytes: number; sum: string }> {
    const hash = createHash('sha256');
    let bytes = 0;
    for (;;) {
      const ids = { container_id: process.containerId, exec_id: process.execId };
      const { data } = await process.client.call('ReadStdout', { ...ids, len: PIECE });
      if (data.length === 0) return { bytes, sum: hash.digest('hex') };
      expect(data.length).toBeLessThanOrEqual(PIECE);
      hash.update(data);
      bytes += data.length;
    }
  }

  const start = (run: string) => TestContainer.start(fixture.client, { root: fixture.root, run });

  it('takes many megabytes to the process without losing a byte', async () => {
    await using container = await start('sha256sum');
    const sum = await send(container, TOTAL);
    expect(await container.finish()).toEqual({ stdout: `${sum}  -\n`, stderr: '', status: 0 });
  });

  it('brings many megabytes from the process without losing a byte', async () => {
    await using container = await start('sleep 600');
    const { stdout } = await container.execute(`head -c ${MIB} /dev/urandom > /run/block; base64 -w 0 /run/block`);
    const block = Buffer.from(stdout, 'base64');
    const exec = await container.exec(
      `i=0; while [ $i -lt ${TOTAL / MIB} ]; do echo $i; dd if=/run/block bs=64k 2>/dev/null; i=$((i+1)); done`,
    );
    const received = await receive(exec);
    expect(await exec.wait()).toBe(0);
    const expected = createHash('sha256');
    let bytes = 0;
    for (let index = 0; index < TOTAL / MIB; index++) {
      const line = `${index}\n`;
      expected.update(line).update(block);
      bytes += line.length + block.length;
    }
    expect(received).toEqual({ bytes, sum: expected.digest('hex') });
  });

  it('carries both directions at once, on several processes', async () => {
    await using container = await start('sleep 600');
    const bytes = amount(4, 64) * MIB;
    const pipes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const exec = await container.exec(['cat']);
        const [sum, received] = await Promise.all([send(exec, bytes), receive(exec)]);
        expect(await exec.wait()).toBe(0);
        return received.sum === sum && received.bytes === bytes;
      }),
    );
    expect(pipes).toEqual([true, true, true, true]);
  });

  it('stops a process whose output nobody reads, and nobody else', async () => {
    await using container = await start('yes');
    await container.read();
    const other = await TestContainer.run(fixture.client, { root: fixture.root, run: 'echo others go on' });
    expect(other.stdout).toBe('others go on\n');
    await container.killAll();
    await container.stdout();
    expect(await container.wait()).toBe(137);
  });
});
