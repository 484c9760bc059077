import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  identifyProcess,
  isProcessAlive,
  parseStartTime,
  signalProcess,
} from '../../../../host/vm/process-identity.ts';

test('parseStartTime() counts fields after the name, whatever the name holds', () => {
  const rest = 'S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20';
  expect(parseStartTime(`12 (a b) c) ${rest}`)).toBe('4711');
});

test('a process is alive until it ends, and its number alone does not prove it', async () => {
  const child = spawn('sleep', ['30']);
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === undefined) throw new Error('the child is not there');
  expect(isProcessAlive(identity)).toBe(true);
  expect(isProcessAlive({ ...identity, startTime: '1' })).toBe(false);
  expect(signalProcess({ ...identity, startTime: '1' }, 'SIGKILL')).toBe(false);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  expect(signalProcess(identity, 'SIGKILL')).toBe(true);
  await ended;
  expect(isProcessAlive(identity)).toBe(false);
});
