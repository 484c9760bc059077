import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useRuntime } from '../../support/oci.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';

const runtime = useRuntime();

describe('a created container', () => {
  it('waits with its command gone, and starts once', async () => {
    const container = await runtime().create('echo ran');
    expect(await container.status()).toBe('created');
    expect(await container.stdout()).toBe('');
    await container.start();
    expect((await runtime().command(['start', container.id])).status).not.toBe(0);
    await container.stopped();
    expect(await container.stdout()).toBe('ran\n');
    await container.delete();
  });

  it('is started by one of many who try', async () => {
    const container = await runtime().create('echo ran; sleep 100');
    const starts = await Promise.all(Array.from({ length: 4 }, () => runtime().command(['start', container.id])));
    expect(starts.filter(({ status }) => status === 0)).toHaveLength(1);
    await eventually(async () => expect(await container.stdout()).toBe('ran\n'));
    await container.end();
  });

  it('does not start when somebody only knocks, or says nothing it knows', async () => {
    const container = await runtime().create('echo ran; sleep 100');
    const socket = join(runtime().stateFolder, container.id, 'start.sock');
    const program = await compileProgram('knock');
    for (const words of [[], ['nonsense'], ['{"type":"ready"}'], ['{"type":"start"'], ['x'.repeat(100_000)]]) {
      const knock = await runtime().machine.command([program, socket, ...words]);
      expect(knock).toEqual({ stdout: '', stderr: '', status: 0 });
      expect(await container.status()).toBe('created');
    }
    expect(await container.stdout()).toBe('');
    await container.start();
    await eventually(async () => expect(await container.stdout()).toBe('ran\n'));
    await container.end();
  });

  it('that was killed says so', async () => {
    const container = await runtime().create('echo ran');
    await container.kill('KILL');
    await container.stopped();
    const { status, stderr } = await runtime().command(['start', container.id]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('stopped');
    await container.delete();
  });

  it('EXE-12 tells at start why its program cannot be executed, and is stopped then', async () => {
    const container = await runtime().create(['/etc']);
    const { status, stderr } = await runtime().command(['start', container.id]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('execve /etc: EACCES');
    await container.stopped();
    await container.delete();
  });

  it('EXE-04 EXE-05 holds nothing of the command that made it, and cannot be looked into', async () => {
    const container = await runtime().create('ls /proc/self/fd; sleep 100');
    const { pid } = await container.state();
    // What init may still hold are sockets: its gate, and the one whose other end is gone.
    const list = (await runtime().machine.command(['ls', `/proc/${pid}/fd`])).stdout.trim().split('\n');
    for (const number of list.filter((entry) => Number(entry) > 2))
      expect(await readlink(`/proc/${pid}/fd/${number}`), number).toMatch(/^(socket:|\/$)/);
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toContain('SigIgn:\t0000000000000000');
    await container.start();
    // Three of its own, and the one that ls reads the directory with.
    await eventually(async () => expect((await container.stdout()).trim().split('\n')).toEqual(['0', '1', '2', '3']));
    await container.end();
  });
});

describe('EXE-06: exec', () => {
  it('refuses to follow an init that went to other namespaces', async () => {
    const container = await runtime().create('exec unshare -u sleep 100', (config) => {
      const capabilities = ['CAP_SYS_ADMIN'];
      config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    });
    await container.start();
    const deadline = Date.now() + 30_000;
    for (let refused = false; !refused;) {
      const { status, stderr } = await container.exec('true');
      refused = status !== 0;
      if (refused) expect(stderr).toContain('left the uts namespace');
      else if (Date.now() > deadline) throw new Error('exec followed init');
    }
    await container.end();
  });
});
