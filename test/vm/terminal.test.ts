import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

describe('a terminal in a VM', () => {
  const fixture = useVm();
  const start = (run: string) => TestContainer.start(fixture.client, { root: fixture.root, run, terminal: true });

  it('is what `tty` says it is, inside, and has the size it was given', async () => {
    await using container = await start('read x; tty; stty size; read x; stty size');
    await container.resize(24, 80);
    await container.write('\n');
    expect(await container.readUntil('24 80\r\n')).toMatch(/\/dev\/(pts\/\d+|console)\r\n24 80\r\n$/);
    await container.resize(50, 132);
    await container.write('\n');
    await container.readUntil('50 132\r\n');
    expect(await container.stdout()).toBe('');
    expect(await container.wait()).toBe(0);
  });

  it('is there for an exec, too', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600' });
    const exec = await container.exec('read x; tty; stty size', { terminal: true });
    await exec.resize(7, 9);
    await exec.write('\n');
    expect(await exec.readUntil('7 9\r\n')).toMatch(/\/dev\/pts\/\d+\r\n/);
    expect(await exec.wait()).toBe(0);
    await expectStatus(container.resize(1, 1), 'unavailable', 'no tty');
  });

  it('is controlling: ctrl-C interrupts, ctrl-D ends the input', async () => {
    await using container = await start('trap "echo interrupted" INT; echo ready; while :; do sleep 0.1; done');
    await container.readUntil('ready');
    await container.write('\x03');
    await container.readUntil('interrupted');
    await using second = await start('cat; echo end');
    await second.write('a line\n\x04');
    expect(await second.readUntil('end\r\n')).toContain('a line');
    expect(await second.wait()).toBe(0);
  });

  it('tells the program when its size changes', async () => {
    await using container = await start('trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.1; done');
    await container.readUntil('ready');
    await container.resize(33, 44);
    await container.readUntil('33 44\r\n');
    expect(await container.wait()).toBe(0);
  });
});
