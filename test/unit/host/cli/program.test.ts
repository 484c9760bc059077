import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../../../host/cli/program.ts';
import { sandboxOptions, type RunFlags } from '../../../../host/cli/run-options.ts';

/** Parses a command line without running it. */
async function parseRun(...args: string[]): Promise<{ rootfs: string; command: readonly string[]; flags: RunFlags }> {
  const program = createProgram('1', () => undefined);
  const run = program.commands.find((command) => command.name() === 'run');
  let seen: { rootfs: string; command: readonly string[]; flags: RunFlags } | undefined;
  run?.action(
    (rootfs: string, command: readonly string[], flags: RunFlags) => void (seen = { rootfs, command, flags }),
  );
  await program.parseAsync(['run', ...args], { from: 'user' });
  if (seen === undefined) throw new Error('run was not called');
  return seen;
}

describe('kihon run', () => {
  test('takes all its options, the root filesystem and a command with options of its own', async () => {
    const line =
      '-i -t --name n1 -e A=1 -e B=2 -w /w -u web -v /a:/b:ro --memory 1G --cpus 2 --timeout 1.5 /root -- ls -l';
    const { rootfs, command, flags } = await parseRun(...line.split(' '));
    expect([rootfs, command]).toEqual(['/root', ['ls', '-l']]);
    expect(sandboxOptions(rootfs, command, flags)).toMatchObject({
      name: 'n1',
      env: ['A=1', 'B=2'],
      cwd: '/w',
      user: 'web',
      volumes: ['/a:/b:ro'],
      memoryMib: 1024,
      cpus: 2,
      hasTerminal: true,
    });
    expect([flags.interactive, flags.timeout]).toEqual([true, 1500]);
  });

  test('needs a root filesystem', async () => {
    const program = createProgram('1', () => undefined);
    for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: () => undefined });
    await expect(program.parseAsync(['run'], { from: 'user' })).rejects.toThrow(CommanderError);
  });
});

test('all commands are there and say what they do', () => {
  const program = createProgram('1', () => undefined);
  const names = program.commands.map((command) => command.name());
  expect(names).toEqual(['run', 'exec', 'ps', 'logs', 'stop', 'console', 'rpc', 'build', 'check', 'demo']);
  for (const command of program.commands) expect(command.summary()).not.toBe('');
});
