import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StateStore, type SandboxRecord } from '../../../../host/sdk/state-store.ts';
import { identifyProcess } from '../../../../host/vm/process-identity.ts';

let root = '';
let store: StateStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kihon-test-'));
  store = new StateStore(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const fields = {
  name: 'a1',
  isDetached: false,
  rootfs: '/srv/root',
  args: ['/bin/sh'],
  memoryMib: 256,
  cpus: 1,
  machine: 'q35',
  hasTerminal: false,
};

/** Rewrites a stored record, as another process would have left it. */
function rewrite(name: string, change: Partial<SandboxRecord>): void {
  const path = join(root, name, 'state.json');
  const record = JSON.parse(readFileSync(path, 'utf8')) as SandboxRecord;
  writeFileSync(path, JSON.stringify({ ...record, ...change }));
}

describe('StateStore', () => {
  test('a claimed name has a folder, a record and an owner until it is released', () => {
    const entry = store.claim(fields);
    expect(store.get('a1')).toMatchObject({ name: 'a1', status: 'starting', owner: identifyProcess(process.pid) });
    entry.update({ status: 'running' });
    expect(store.list().map(({ name, status }) => [name, status])).toEqual([['a1', 'running']]);
    writeFileSync(join(entry.directory, 'console.log'), 'text');
    entry.release();
    expect(store.list()).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  });

  test('a name in use is refused, and the refused one leaves nothing', () => {
    store.claim(fields);
    expect(() => store.claim(fields)).toThrow(/a sandbox named a1 is running/);
    expect(readdirSync(root)).toEqual(['a1']);
  });

  test('an owner that died without a word is noticed and its folder removed', async () => {
    store.claim(fields);
    mkdirSync(join(root, 'a1', 'share', 'a1', 'rootfs'), { recursive: true });
    const child = spawn('true');
    const dead = { pid: child.pid ?? 0, startTime: '1' };
    await new Promise((resolve) => child.once('exit', resolve));
    rewrite('a1', { owner: dead, status: 'running' });
    expect(store.list()).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  });

  test("another process with the owner's number does not keep it alive", () => {
    store.claim(fields);
    rewrite('a1', { owner: { pid: process.pid, startTime: '1' } });
    expect(store.find('a1')).toBeUndefined();
    expect(store.claim(fields).record.name).toBe('a1');
  });

  test('an exited sandbox stays until it is forgotten or its name is taken again', () => {
    store.claim(fields);
    const dead = { pid: process.pid, startTime: '1' };
    rewrite('a1', { owner: dead, status: 'exited', exitCode: 3 });
    expect(store.get('a1').exitCode).toBe(3);
    store.forget('a1');
    expect(store.find('a1')).toBeUndefined();
    store.claim(fields);
    rewrite('a1', { owner: dead, status: 'exited' });
    expect(store.claim(fields).record.status).toBe('starting');
  });

  test('a folder with something in its share that is not ours is not deleted', () => {
    const entry = store.claim(fields);
    mkdirSync(join(entry.directory, 'share'));
    writeFileSync(join(entry.directory, 'share', 'precious'), 'data');
    expect(() => entry.release()).toThrow(/not an empty placeholder/);
    expect(existsSync(join(entry.directory, 'share', 'precious'))).toBe(true);
  });

  test('half-made folders of dead processes go away, those of live ones stay', () => {
    mkdirSync(join(root, '.new-999999999-00'), { recursive: true });
    mkdirSync(join(root, `.new-${process.pid}-00`));
    store.list();
    expect(readdirSync(root)).toEqual([`.new-${process.pid}-00`]);
  });

  test('an unreadable record counts as stale', () => {
    mkdirSync(join(root, 'junk'));
    writeFileSync(join(root, 'junk', 'state.json'), '{');
    expect(store.list()).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  });

  test('a folder too long for sockets is refused before anything is made', () => {
    const long = new StateStore(join(root, 'x'.repeat(80)));
    expect(() => long.claim(fields)).toThrow(/too long/);
    expect(readdirSync(root)).toEqual([]);
  });

  test('no store at all is an empty list', () => {
    expect(new StateStore(join(root, 'none')).list()).toEqual([]);
  });
});
