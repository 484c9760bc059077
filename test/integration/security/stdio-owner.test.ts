import { chownSync, closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { exitOf, useRuntime } from '../../support/oci.ts';

const USER = { User: { UID: 1000, GID: 1000 } };

describe('EXE-14: the owner of stdio', () => {
  const fixture = useAgent();

  it('of a terminal is the user, in a container and in an exec; the devices beside it stay root’s', async () => {
    const { client, root } = fixture;
    const look = 'stat -c "%u %a" $(tty) /dev/null /dev/zero; echo end';
    const container = await TestContainer.start(client, {
      root,
      run: `${look}; read x`,
      terminal: true,
      process: USER,
    });
    expect((await container.readUntil('end')).split('\r\n').slice(0, 3)).toEqual(['1000 620', '0 666', '0 666']);
    const exec = await container.exec(look, { terminal: true, process: USER });
    expect((await exec.readUntil('end')).split('\r\n').slice(0, 3)).toEqual(['1000 620', '0 666', '0 666']);
    await container.remove();
  });
});

describe('EXE-14: what a caller of kihon-oci gives as stdio', () => {
  const runtime = useRuntime();

  it('on a read-only file system, or the machine’s own devices, works and keeps the owner', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const file = join(container.bundle.path, 'input');
    writeFileSync(file, 'read-only', { mode: 0o444 });
    const devices = ['/dev/null', '/dev/zero', '/dev/full'];
    const owners = () =>
      [...devices, '/proc/version'].map((path) => `${statSync(path).uid} ${statSync(path).mode.toString(8)}`);
    const before = owners();
    for (const input of [...devices, '/proc/version', file]) {
      const fd = openSync(input, 'r');
      try {
        const args = ['exec', '--user', '1000:1000', container.id, '/bin/true'];
        expect(await exitOf(runtime().spawn(args, [fd, 'ignore', 'ignore'])), input).toBe(0);
      } finally {
        closeSync(fd);
      }
    }
    const after = owners();
    // A runtime that fails here must not leave the machine like that.
    for (const path of [...devices, '/proc/version']) chownSync(path, 0, 0);
    expect(after).toEqual(before);
  });
});
