import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BuildFailure, BuildInterrupted } from '../../../../kernel-config/src/build/failure.ts';
import { runCommand } from '../../../../kernel-config/src/build/run-command.ts';

describe('runCommand()', () => {
  test('passes on every line of both streams', async () => {
    const lines: string[] = [];
    await runCommand('sh', ['-c', 'echo out; echo err >&2'], { onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(['err', 'out']);
  });

  test('a failure shows the command, its status and its last lines', async () => {
    const failed = runCommand('sh', ['-c', 'echo the reason; exit 3']);
    await expect(failed).rejects.toThrow(BuildFailure);
    await expect(failed).rejects.toThrow(/failed \(3\):\nthe reason$/);
  });

  test('a program that does not exist is a failure, not a crash', async () => {
    await expect(runCommand('/nonexistent/program', [])).rejects.toThrow('start /nonexistent/program');
  });

  test('an interruption ends the command and what it started', async () => {
    const interruption = new AbortController();
    const pids: number[] = [];
    const running = runCommand('sh', ['-c', 'sleep 60 & echo $!; wait'], {
      signal: interruption.signal,
      onLine: (line) => {
        pids.push(Number(line));
        interruption.abort(new BuildInterrupted('SIGINT'));
      },
    });
    await expect(running).rejects.toThrow(BuildInterrupted);
    expect(pids).toHaveLength(1);
    await expect.poll(() => existsSync(`/proc/${pids[0]}/root`)).toBe(false);
  });

  test('starts nothing after an interruption', async () => {
    const signal = AbortSignal.abort(new BuildInterrupted('SIGTERM'));
    await expect(runCommand('true', [], { signal })).rejects.toThrow(BuildInterrupted);
  });
});
