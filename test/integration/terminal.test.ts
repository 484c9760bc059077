import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';

describe('a terminal', () => {
  const fixture = useAgent();
  const start = (run: string) => TestContainer.start(fixture.client, { root: fixture.root, run, terminal: true });

  it('is what `tty` says it is, inside', async () => {
    await using container = await start('tty; ls -l /dev/console; stty -echo; read x');
    const text = await container.readUntil('/dev/console\r\n');
    expect(text).toMatch(/^\/dev\/(pts\/0|console)\r\n/);
    await container.write('\n');
    expect(await container.wait()).toBe(0);
  });

  it('has the size it was given, and `stty size` shows it', async () => {
    await using container = await start('read x; stty size; read x; stty size');
    await container.resize(24, 80);
    await container.write('\n');
    expect(await container.readUntil('24 80\r\n')).toContain('24 80');
    await container.resize(50, 132);
    await container.write('\n');
    expect(await container.readUntil('50 132\r\n')).toContain('50 132');
    expect(await container.wait()).toBe(0);
  });

  it('tells the program when its size changes', async () => {
    await using container = await start('trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.05; done');
    await container.readUntil('ready');
    await container.resize(33, 44);
    await container.readUntil('33 44\r\n');
    expect(await container.wait()).toBe(0);
  });

  it('carries both output streams, lines ending as on a terminal, and then its end', async () => {
    await using container = await start('echo out; echo err >&2');
    expect(await container.stdout()).toBe('out\r\nerr\r\n');
    expect(await container.wait()).toBe(0);
  });

  it('is controlling: ctrl-C interrupts, ctrl-D ends the input', async () => {
    await using container = await start('trap "echo interrupted" INT; echo ready; while :; do sleep 0.05; done');
    await container.readUntil('ready');
    await container.write('\x03');
    await container.readUntil('interrupted');
    await using second = await start('cat; echo end');
    await second.write('a line\n\x04');
    expect(await second.readUntil('end\r\n')).toContain('a line');
    expect(await second.wait()).toBe(0);
  });

  it('is not hung up by CloseStdin, which ends the input', async () => {
    await using container = await start('cat; echo still here');
    await container.closeStdin();
    expect(await container.readUntil('still here')).toContain('still here');
    expect(await container.wait()).toBe(0);
  });

  it('is there for an exec, too, and only for the process that asked', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'tty; sleep 600' });
    expect(await container.readUntil('\n')).toBe('not a tty\n');
    const exec = await container.exec('tty; stty size; read x; stty size', { terminal: true });
    await exec.resize(7, 9);
    await exec.readUntil('\r\n');
    await exec.write('\n');
    await exec.readUntil('7 9\r\n');
    expect(await exec.wait()).toBe(0);
    await expectStatus(container.resize(1, 1), 'unavailable', 'no tty');
  });

  it('belongs to a session of its own, as a process without one does', async () => {
    await using container = await start('ps -o pid,sid,tty | head -2; cat /proc/self/stat; sleep 600');
    const stat = await container.readUntil('cat');
    expect(stat).toContain('cat');
    await using plain = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: '(exec 3</dev/tty) 2>&1; sleep 600',
    });
    expect(await plain.readUntil('\n')).toMatch(/No such device/);
  });

  it('carries a flood without losing a byte', async () => {
    await using container = await start('stty -onlcr; i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done');
    const lines = (await container.stdout()).trim().split('\n');
    expect(lines).toEqual(Array.from({ length: 20_000 }, (_, index) => String(index)));
    expect(await container.wait()).toBe(0);
  });
});
