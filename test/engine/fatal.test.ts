/** Errors that nobody catches end the program, with a report that leads to the TypeScript line. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveStack } from '../../agent/build/resolve-stack.ts';
import { buildEngineProgram, runProgram } from '../support/engine/run-in-engine.ts';
import type { EngineRun } from '../support/engine/run-in-engine.ts';
import { eventually } from '../support/eventually.ts';

const program = join(import.meta.dirname, 'programs/main.ts');
const source = readFileSync(join(import.meta.dirname, 'programs/fatal.ts'), 'utf8').split('\n');

/** Line in fatal.ts that holds the text, counted from 1. */
const lineOf = (text: string): number => source.findIndex((line) => line.includes(text)) + 1;

describe.each(['release', 'sanitize'] as const)('the end of a program (%s)', (variant) => {
  let elf = '';
  beforeAll(async () => {
    elf = await buildEngineProgram(program, variant);
  });
  const die = async (way: string): Promise<EngineRun> => await runProgram(elf, [way], 30_000);

  it.each(['uncaught error', 'error in a timer', 'error in a job', 'unhandled rejection'])(
    '%s: message, stack, cause, status 70',
    async (way) => {
      const run = await die(way);
      expect(run.status).toBe(70);
      expect(run.stderr).toMatch(/^kihon: fatal: DomainError: container c1\n +at /);
      expect(run.stderr).toMatch(/\ncaused by: SysError: mount \/dev\/vda on \/x: ENODEV\n +at /);
      expect(run.stdout).toBe('');
    },
  );

  it('a stack leads to file and line of the TypeScript source', async () => {
    const { stderr } = await die('error in a timer');
    const resolved = resolveStack(stderr, elf);
    expect(resolved).toContain(`failDeeply (test/engine/programs/fatal.ts:${lineOf('throw new DomainError')}:`);
    expect(resolved).toMatch(/runTimers \(agent\/src\/sys\/loop\.ts:\d+:\d+\)/);
    expect(resolved).not.toMatch(/agent\.js/);
  });

  it.each([
    ['thrown null', 'kihon: fatal: out of memory\n'],
    ['thrown text', 'kihon: fatal: just text\n'],
  ])('%s', async (way, report) => {
    const run = await die(way);
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 70, stderr: report });
  });

  it('out of memory is reported although there is none left', async () => {
    const run = await die('out of memory');
    expect(run.stderr).toMatch(/^kihon: fatal: .*out of memory/);
    expect(run.status).toBe(70);
  });

  it('the program has last words', async () => {
    const run = await die('last words');
    expect(run.stdout).toBe('last words: DomainError: container c1\n');
    expect(run.status).toBe(70);
  });

  it('last words that fail do not keep it from ending', async () => {
    const run = await die('last words that fail');
    expect(run.stderr).toContain('kihon: while dying: Error: speechless\n');
    expect(run.status).toBe(70);
  });

  it('nor does a console that nobody reads', async () => {
    // The pipe is full before the program starts; its reader sleeps.
    const script = '{ head -c 65536 /dev/zero >&2; "$0" "$1"; echo $? >&3; } 2>&1 3>"$2" | sleep 20';
    const folder = mkdtempSync(join(tmpdir(), 'kihon-fatal-'));
    const status = join(folder, 'status');
    try {
      const run = spawn('sh', ['-c', script, elf, 'uncaught error', status], { stdio: 'ignore', detached: true });
      await eventually(() => expect(readFileSync(status, 'utf8')).toBe('70\n'), 15_000);
      process.kill(-(run.pid as number), 'SIGKILL');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('nor do last words without end', async () => {
    expect((await die('last words without end')).status).toBe(70);
  });

  it('a rejection that is handled in the same turn is no error', async () => {
    const run = await die('rejection that is handled in time');
    expect(run).toEqual({ status: 0, signal: null, stdout: 'handled\n', stderr: '' });
  });
});
