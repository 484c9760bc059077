import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ContainerLog,
  followContainerLog,
  parseLogLine,
  readContainerLog,
  type LogRecord,
} from '../../../../host/cli/container-log.ts';

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'kihon-test-')), 'container.log');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

async function collectRecords(records: AsyncIterable<LogRecord>): Promise<string[]> {
  const found: string[] = [];
  for await (const { stream, data } of records) found.push(`${stream}:${data.toString('latin1')}`);
  return found;
}

test('what was written comes back byte for byte, each piece with its stream', async () => {
  using log = new ContainerLog(path);
  log.append('stdout', Buffer.from([0x68, 0xff, 0x0a]));
  log.append('stderr', Buffer.from('err'));
  expect(await collectRecords(readContainerLog(path))).toEqual(['stdout:h\u00ff\n', 'stderr:err']);
});

test('a log is cut when it is large, and its older part is read first', async () => {
  using log = new ContainerLog(path);
  for (let index = 0; index < 10; index++) log.append('stdout', Buffer.alloc(1_000_000, 0x61 + index));
  expect(existsSync(`${path}.1`)).toBe(true);
  const records = await collectRecords(readContainerLog(path));
  expect(records.map((text) => text.charAt(7)).join('')).toBe('abcdefghij');
});

test('a followed log gives what is added, up to the end', async () => {
  using log = new ContainerLog(path);
  log.append('stdout', Buffer.from('1'));
  let isOver = false;
  const following = collectRecords(followContainerLog(path, () => isOver));
  await new Promise((resolve) => setTimeout(resolve, 150));
  log.append('stdout', Buffer.from('2'));
  isOver = true;
  expect(await following).toEqual(['stdout:1', 'stdout:2']);
});

test.each(['', '{', 'null', '{"t":1}', '{"t":1,"s":"x","d":""}'])('parseLogLine(%j) is nothing', (line) => {
  expect(parseLogLine(line)).toBeUndefined();
});
