import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { ConsoleRelay } from '../../../../host/vm/console-relay.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('the console of a VM', () => {
  it('shows a text that comes in pieces, and is logged whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kihon-console-'));
    folders.push(folder);
    const guest = new PassThrough();
    using relay = await ConsoleRelay.open(guest, join(folder, 'log'), join(folder, 'sock'));
    let isShown = false;
    const shown = relay.shows('server started').then(() => (isShown = true));
    guest.write('boot\n"server sta');
    await new Promise(setImmediate);
    expect(isShown).toBe(false);
    guest.write('rted" more');
    await shown;
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('boot\n"server started" more');
  });
});
