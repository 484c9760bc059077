import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AbortController } from '../../../../agent/src/base/abort.ts';
import { inspectorCommands, lineCount } from '../../../../agent/src/guest/console/inspector/commands.ts';
import type { InspectorWorld } from '../../../../agent/src/guest/console/inspector/inspector-world.ts';
import { MAX_ANSWER, runInspector } from '../../../../agent/src/guest/console/inspector/inspector.ts';
import { clip, formatBytes, printable, table } from '../../../../agent/src/guest/console/inspector/printable.ts';
import { findShell, SHELLS } from '../../../../agent/src/guest/console/find-shell.ts';
import { LogTail } from '../../../../agent/src/guest/log/log-tail.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const STATUS = 'Name:\tsh\nState:\tS (sleeping)\nPPid:\t1\nUid:\t1000\t0\t0\t0\nVmRSS:\t    2048 kB\n';

/** A guest in memory; a write to it fails the test. */
function world(files: Record<string, string> = {}, more: Partial<InspectorWorld> = {}): InspectorWorld {
  const fake = new FakeKernelFiles(files);
  fake.onWrite = (path) => {
    throw new Error(`written: ${path}`);
  };
  return {
    files: fake,
    version: '4.1.0',
    sandboxId: () => 'pod',
    containers: () => [{ id: 'c1', status: 'running', pid: 7, cgroup: '/sys/fs/cgroup/kata/c1' }],
    interfaces: () => [],
    routes: () => [],
    logTail: () => ['one', 'two', 'three'],
    kernelMessages: () => [],
    ...more,
  };
}

/** What an operator sees who types these lines. */
async function session(lines: readonly string[], guest = world()): Promise<string> {
  let output = '';
  const input = lines.map((line) => new TextEncoder().encode(line));
  await runInspector(
    {
      commands: inspectorCommands(guest),
      ask: (_name, work) => Promise.resolve().then(work),
      read: () => Promise.resolve(input.shift() ?? new Uint8Array(0)),
      write: (bytes) => {
        output += new TextDecoder().decode(bytes);
        return Promise.resolve();
      },
    },
    new AbortController().signal,
  );
  return output;
}

describe('the inspector', () => {
  it('greets, asks for a line and ends with the input', async () => {
    expect(await session([])).toMatch(/no shell[\s\S]*kihon> $/);
  });

  it('lists every command with its purpose', async () => {
    const text = await session(['help\n']);
    for (const [name, { usage, purpose }] of Object.entries(inspectorCommands(world()))) {
      expect(usage.startsWith(name)).toBe(true);
      expect(text).toContain(`${purpose}\n`);
    }
  });

  it('takes lines however they arrive', async () => {
    const text = await session(['upt', 'ime\nlog 1\n', '\n  \n', 'log 2']);
    expect(text).toContain('/proc/uptime: not there');
    expect(text).toContain('kihon> three\nkihon> kihon> kihon> ');
  });

  it('ends on exit, and does nothing of what follows', async () => {
    const text = await session(['exit\nlog\n']);
    expect(text).not.toContain('three');
  });

  it.each(['reboot', '__proto__', 'constructor', 'toString', '/bin/sh', '; ls'])('does not know %s', async (line) => {
    expect(await session([`${line}\n`])).toContain('no such command');
  });

  it('forgets a line without end', async () => {
    const text = await session([...Array.from({ length: 50 }, () => 'x'.repeat(100)), '\nlog 1\n']);
    expect(text).toContain('three');
  });

  it('says why a command failed, and goes on', async () => {
    const text = await session(
      ['interfaces\nlog 1\n'],
      world(
        {},
        {
          interfaces: () => {
            throw new Error('netlink: EPERM');
          },
        },
      ),
    );
    expect(text).toContain('interfaces: netlink: EPERM\nkihon> three');
  });

  it('cuts what is too long', async () => {
    const text = await session(['log 9\n'], world({}, { logTail: () => ['x'.repeat(MAX_ANSWER + 5)] }));
    expect(text).toContain('(5 characters more)');
  });

  it('shows nobody’s escape sequences', async () => {
    const guest = world({
      '/proc/7/status': STATUS,
      '/proc/7/cgroup': '0::/kata/c1/inner\n',
      '/proc/7/cmdline': '\x1b]0;owned\x07\0-c\0\u202eevil\0',
    });
    const text = await session(['ps\n', '\x1b[2J\n'], guest);
    expect(text).toContain('?]0;owned? -c ?evil');

    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  });

  it('tells whose a process is, and shows those of one container', async () => {
    const files = {
      '/proc/1/status': 'Name:\tinit\nState:\tR (running)\nPPid:\t0\nUid:\t0\t0\t0\t0\nVmRSS:\t 100 kB\n',
      '/proc/1/cgroup': '0::/kihon-agent\n',
      '/proc/1/cmdline': '/init\0',
      '/proc/7/status': STATUS,
      '/proc/7/cgroup': '0::/kata/c1\n',
      '/proc/7/cmdline': 'sh\0-c\0true\0',
      // Another container whose name begins alike, a thread of the kernel, one that is gone.
      '/proc/8/status': 'Name:\tkworker\nState:\tI (idle)\nPPid:\t2\nUid:\t0\t0\t0\t0\n',
      '/proc/8/cgroup': '0::/kata/c10\n',
      '/proc/9/stat': '',
    };
    const all = await session(['ps\n'], world(files));
    expect(all).toMatch(/^1 +- +0 +0 +R +100\.0 KiB +\/init$/m);
    expect(all).toMatch(/^7 +c1 +1 +1000 +S +2\.0 MiB +sh -c true$/m);
    expect(all).toMatch(/^8 +- .* \[kworker\]$/m);
    const own = await session(['ps c1\n'], world(files));
    expect(own).toMatch(/^7 +c1/m);
    expect(own).not.toMatch(/^[18] /m);
  });

  it('survives any typing, and any text of the kernel', async () => {
    const paths = [
      '/proc/self/mountinfo /proc/meminfo /proc/pressure/memory /proc/uptime /proc/loadavg /proc/7/status /proc/7/cgroup',
      '/proc/7/cmdline /sys/block/vda/size /sys/block/vda/dev /sys/bus/pci/devices/0000:00:01.0/vendor',
      '/sys/fs/cgroup/kata/c1/memory.events',
    ]
      .join(' ')
      .split(' ');
    const lines = 'containers,ps,ps c1,mounts,memory,cgroup,cgroup c1,devices,uptime,version,log,dmesg,routes'.split(
      ',',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), async (texts, typed) => {
        const files = Object.fromEntries(
          paths.map((path, index) => [path, texts[index % Math.max(1, texts.length)] ?? '']),
        );
        const text = await session([`${typed}\n`, ...lines.map((line) => `${line}\n`)], world(files));

        expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      }),
      { numRuns: 20 },
    );
  });
});

describe('its parts', () => {
  it('lineCount() takes small numbers only', () => {
    expect([lineCount(undefined), lineCount('7'), lineCount('999999')]).toEqual([50, 7, 1000]);
    for (const bad of ['', '-1', '1e3', '0x10', '9999999']) expect(() => lineCount(bad)).toThrow('number of lines');
  });

  it('table() pads all but the last column', () => {
    expect(
      table([
        ['a', 'bb', 'c'],
        ['aaa', 'b', 'ccc'],
      ]),
    ).toBe('a    bb  c\naaa  b   ccc');
    expect(table([])).toBe('');
  });

  it('formatBytes(), clip() and printable()', () => {
    expect([0, 1023, 1024, 1536n, 5n << 30n, 3n << 50n].map(formatBytes)).toEqual([
      ...['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '5.0 GiB', '3145728.0 GiB'],
    ]);
    expect(clip('abc', 3)).toBe('abc');
    expect(printable('a\tb\nc\rd\u0085e\ud800f😀')).toBe('a\tb\nc?d?e?f😀');
  });

  it('the shells are looked for in Kata’s order', () => {
    expect(findShell(() => true)).toBe('/run/kata-extensions/devkit/bin/devkit-sh');
    expect(findShell((path) => path.startsWith('/bin/'))).toBe('/bin/bash');
    expect(findShell((path) => path === '/bin/sh')).toBe('/bin/sh');
    expect(findShell(() => false)).toBeUndefined();
    expect(SHELLS).toHaveLength(3);
  });

  it('the tail of the log keeps the last records, whole', () => {
    const tail = new LogTail(13);
    const record = (text: string) => new TextEncoder().encode(`${text}\n`);
    for (const text of ['first', 'second', 'third', 'fourth']) tail.push(record(text));
    expect(tail.lines()).toEqual(['third', 'fourth']);
    tail.push(record('x'.repeat(30)));
    expect(tail.lines()).toEqual(['third', 'fourth']);
  });
});
