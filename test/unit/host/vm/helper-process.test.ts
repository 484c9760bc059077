import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeExit, HelperProcess } from '../../../../host/vm/helper-process.ts';
import { identifyProcess, isProcessAlive } from '../../../../host/vm/process-identity.ts';

let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'kihon-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('logs what the program says and tells how it ended', async () => {
  const logPath = join(base, 'log');
  const helper = await HelperProcess.start({ command: ['sh', '-c', 'echo one; echo two >&2; exit 3'], logPath });
  expect(await helper.exited).toEqual({ code: 3, signal: null });
  expect(helper.lastWords(1)).toBe('two');
  expect(describeExit('sh', { code: 3, signal: null }, helper.lastWords())).toBe('sh ended with exit code 3: one; two');
});

test('has extra descriptors that are connected to us', async () => {
  const command = ['sh', '-c', 'echo hello >&3'];
  const helper = await HelperProcess.start({ command, logPath: join(base, 'log'), extraPipes: 1 });
  const stream = helper.child.stdio[3] as NodeJS.ReadableStream;
  const chunk = await new Promise<Buffer>((resolveChunk) => stream.once('data', resolveChunk));
  expect(chunk.toString()).toBe('hello\n');
  await helper.exited;
});

test('stops politely first when there is time, and for sure in any case', async () => {
  const command = ['sh', '-c', 'trap "" TERM; echo up >&3; while :; do sleep 1; done'];
  const helper = await HelperProcess.start({ command, logPath: join(base, 'log'), extraPipes: 1 });
  await new Promise((up) => (helper.child.stdio[3] as NodeJS.ReadableStream).once('data', up));
  await helper.stop(50);
  expect(helper.exit).toEqual({ code: null, signal: 'SIGKILL' });
  await helper.stop();
});

test('dies with the process that started it, even when that is killed', async () => {
  const module = resolve(import.meta.dirname, '../../../../host/vm/helper-process.ts');
  const script = join(base, 'owner.mts');
  writeFileSync(
    script,
    `import { HelperProcess } from ${JSON.stringify(module)};
     const helper = await HelperProcess.start({ command: ['sleep', '60'], logPath: ${JSON.stringify(join(base, 'log'))} });
     console.log(helper.child.pid);
     setInterval(() => undefined, 1000);`,
  );
  const owner = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((found) => createInterface({ input: owner.stdout }).once('line', found));
  const helper = identifyProcess(Number(line));
  if (helper === undefined) throw new Error('the helper is not there');
  owner.kill('SIGKILL');
  await expect.poll(() => isProcessAlive(helper), { timeout: 20_000 }).toBe(false);
});
