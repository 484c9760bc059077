import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateStore } from '../../host/sdk/state-store.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { nodeArguments } from '../support/repository.ts';
import { ConsoleSession } from '../support/vm/console-session.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const PORT = 1026;
const ON_PORT = ['agent.debug_console', `agent.debug_console_vport=${PORT}`];
const SHELL_PROMPT = '# ';

async function open(vm: TestVm): Promise<ConsoleSession> {
  return new ConsoleSession(await vm.dial(PORT));
}

/** The VM's own console, with a keyboard. */
function serial(vm: TestVm): ConsoleSession {
  return new ConsoleSession(connect(join(vm.vm.directory, 'console.sock')));
}

describe('the debug console on a vsock port, in an image with a shell', { timeout: 120_000 }, () => {
  const fixture = useVm({ hasShell: true, kernelParameters: ON_PORT });

  it('is a shell with a terminal of its own, in a session of its own', async () => {
    using session = await open(fixture.vm);
    await session.until(SHELL_PROMPT);
    session.type('echo "$((6 * 7)) $(busybox tty) $PATH"\r');
    expect(await session.until(/42 .*\r\n/)).toMatch(/42 \/dev\/pts\/\d+ \/bin:\/sbin/);
    session.type('read -r _ _ _ _ _ sid tty _ < /proc/$$/stat; echo "leads=$((sid == $$)) tty=$((tty != 0))"\r');
    await session.until('leads=1 tty=1\r\n');
    // The shell repeats what is typed before it reads, after its prompt.
    await session.until(SHELL_PROMPT);
    // Job control: ctrl-C reaches the program in the foreground only.
    session.type('busybox sleep 1000\r');
    await session.until('sleep 1000\r\n');
    // What is typed before the program has the terminal is lost.
    const typing = setInterval(() => session.type('\x03'), 500);
    try {
      await session.until(SHELL_PROMPT);
    } finally {
      clearInterval(typing);
    }
    session.type('echo "sta""tus=$?"\r');
    await session.until('status=130');
  });

  it('is not in the cgroup of the agent, and has the limits of a program', async () => {
    using session = await open(fixture.vm);
    await session.until(SHELL_PROMPT);
    session.type('busybox cat /proc/self/cgroup; ulimit -n; echo "en""d"\r');
    expect(await session.until('end\r\n')).toMatch(/0::\/kihon-console\r\n\d{3,6}\r\n/);
  });

  it('serves several at once, each its own shell', async () => {
    using first = await open(fixture.vm);
    using second = await open(fixture.vm);
    await Promise.all([first.until(SHELL_PROMPT), second.until(SHELL_PROMPT)]);
    first.type('name=first; echo "I am $name"\r');
    second.type('echo "I am ${name:-second}"\r');
    await first.until('I am first\r\n');
    await second.until('I am second\r\n');
  });

  it('closes the connection when the shell ends, after its last words', async () => {
    using session = await open(fixture.vm);
    await session.until(SHELL_PROMPT);
    session.type('echo last words; exit 3\r');
    await within(20_000, 'the end of the connection', session.closed);
    expect(session.text).toContain('\r\nlast words\r\n');
  });

  it('kills the shell when the client goes away', async () => {
    using watcher = await open(fixture.vm);
    await watcher.until(SHELL_PROMPT);
    const gone = await open(fixture.vm);
    await gone.until(SHELL_PROMPT);
    gone.type('echo "pid=$$."\r');
    const pid = /pid=(\d+)\./.exec(await gone.until(/pid=\d+\./))?.[1] ?? '';
    gone.type('trap "" HUP TERM; while :; do busybox sleep 1; done\r');
    gone[Symbol.dispose]();
    await eventually(async () => {
      watcher.type(`test -d /proc/${pid} && echo "the""re" || echo "go""ne"\r`);
      expect(await watcher.until(/(there|gone)\r\n/)).toContain('gone');
    });
  });

  it('stops a program whose output nobody reads, and nobody else', async () => {
    using slow = await open(fixture.vm);
    await slow.until(SHELL_PROMPT);
    slow.stream.pause();
    slow.type('busybox yes 0123456789012345678901234567890123456789\r');
    using other = await open(fixture.vm);
    await other.until(SHELL_PROMPT);
    other.type('echo "still ""here"\r');
    await other.until('still here\r\n');
    await fixture.client.check();
    slow.stream.resume();
    slow.type('\x03');
    await slow.until('^C');
    slow.type('exit\r');
    await slow.closed;
  });

  it('brings a megabyte whole', async () => {
    using session = await open(fixture.vm);
    await session.until(SHELL_PROMPT);
    session.type('busybox stty -onlcr -echo; busybox seq 1 150000; echo "al""l"\r');
    const text = await session.until('all\n');
    const lines = text.slice(text.indexOf('\n1\n2\n') + 1).split('\n');
    expect(lines.slice(0, 150_000)).toEqual(Array.from({ length: 150_000 }, (_, index) => String(index + 1)));
  });

  it('has an end to their number, and says so', async () => {
    const sessions: ConsoleSession[] = [];
    try {
      let isRefused = false;
      // Those of earlier tests may not have ended yet.
      while (!isRefused && sessions.length <= 16) {
        const session = await open(fixture.vm);
        sessions.push(session);
        isRefused = (await session.until(/# |consoles are open/)).includes('16 consoles are open');
      }
      expect(isRefused).toBe(true);
      await fixture.client.check();
    } finally {
      for (const session of sessions) session[Symbol.dispose]();
    }
    await eventually(async () => {
      using again = await open(fixture.vm);
      expect(await again.until(/# |consoles are open/)).toContain(SHELL_PROMPT);
    }, 30_000);
  });
});

describe('the debug console in an image without a shell', { timeout: 120_000 }, () => {
  const fixture = useVm({ kernelParameters: ON_PORT });

  it('is an inspector that shows what is there', async () => {
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: ['/bin/sleep', '1000'],
    });
    using session = await open(fixture.vm);
    await session.until('kihon> ');
    const help = await session.ask('help');
    for (const name of ['containers', 'ps', 'mounts', 'memory', 'cgroup', 'log', 'interfaces', 'routes', 'devices'])
      expect(help).toMatch(new RegExp(`^${name} `, 'm'));
    expect(await session.ask('containers')).toMatch(
      new RegExp(`^${container.id} +running +\\d+ +/sys/fs/cgroup/`, 'm'),
    );
    expect(await session.ask('ps')).toMatch(new RegExp(`^\\d+ +${container.id} .* /bin/sleep 1000$`, 'm'));
    const own = await session.ask(`ps ${container.id}`);
    expect(own).toContain('/bin/sleep 1000');
    expect(own).not.toMatch(/^1 /m);
    expect(await session.ask('mounts')).toMatch(/^\/proc +proc +/m);
    expect(await session.ask('memory')).toMatch(/MemTotal +\d+\.\d MiB[\s\S]*some avg10=/);
    expect(await session.ask(`cgroup ${container.id}`)).toMatch(/memory\.current: \d+[\s\S]*pids\.current: 1/);
    expect(await session.ask('log 500')).toContain('"msg":"rpc call StartContainer"');
    expect(await session.ask('interfaces')).toMatch(/^lo +/m);
    expect(await session.ask('routes')).toContain('DESTINATION');
    expect(await session.ask('devices')).toMatch(/^pci 0000:00:[\s\S]*virtio/m);
    expect(await session.ask('uptime')).toMatch(/up 0 d 0 h \d+ min/);
    expect(await session.ask('dmesg 1000')).toMatch(/^\[ +\d+\.\d{6}\] Linux version /m);
    expect(await session.ask('version')).toContain('Linux version');
  });

  it('says what it does not know, and changes nothing', async () => {
    using session = await open(fixture.vm);
    await session.until('kihon> ');
    expect(await session.ask('reboot')).toContain('reboot: no such command');
    expect(await session.ask('__proto__')).toContain('no such command');
    expect(await session.ask('cgroup nobody')).toContain('no container "nobody"');
    expect(await session.ask('log many')).toContain('is not a number of lines');
    expect(await session.ask('ps ../../1')).toContain('no container');
    expect(await session.ask('x'.repeat(3000))).toContain('no such command');
    await fixture.client.check();
  });

  it('knows line editing, and ends on "exit" and on ctrl-D', async () => {
    using first = await open(fixture.vm);
    await first.until('kihon> ');
    expect(await first.ask('uptimm\x7fe')).toContain('up 0 d');
    first.type('exit\r');
    await within(20_000, 'the end', first.closed);
    using second = await open(fixture.vm);
    await second.until('kihon> ');
    second.type('\x04');
    await within(20_000, 'the end', second.closed);
  });

  it('serves several, and does not mind one that goes away in the middle', async () => {
    const gone = await open(fixture.vm);
    await gone.until('kihon> ');
    gone.type('dmesg 1000\rmounts\rps\rdevices\r');
    gone[Symbol.dispose]();
    using a = await open(fixture.vm);
    using b = await open(fixture.vm);
    await Promise.all([a.until('kihon> '), b.until('kihon> ')]);
    const [one, two] = await Promise.all([a.ask('uptime'), b.ask('uptime')]);
    expect([one, two]).toEqual([expect.stringContaining('up 0 d'), expect.stringContaining('up 0 d')]);
    await fixture.client.check();
  });
});

/** `kihon console` with that input, for the VM of a fixture. */
async function kihonConsole(vm: TestVm, input: string, ...args: readonly string[]): Promise<string> {
  const store = new StateStore(join(vm.folder, 'state'));
  const entry = store.claim({
    ...{
      name: 'box',
      isDetached: true,
      rootfs: '/',
      args: [],
      memoryMib: 256,
      cpus: 1,
      machine: 'q35',
      hasTerminal: false,
    },
    vsock: { kind: 'hybrid', path: join(vm.vm.directory, 'vsock.sock') },
  });
  try {
    entry.update({ status: 'running' });
    const child = spawn(process.execPath, nodeArguments('host/cli/main.ts', 'console', ...args, 'box'), {
      env: { ...process.env, KIHON_STATE_DIR: store.root },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.end(input);
    try {
      await within(60_000, 'the end of kihon console', once(child, 'close'));
    } finally {
      child.kill('SIGKILL');
    }
    return output.replaceAll('\r', '');
  } finally {
    entry.release();
  }
}

describe('kihon console --debug', { timeout: 120_000 }, () => {
  const fixture = useVm({ kernelParameters: ON_PORT });
  const isHybrid = (): boolean => existsSync(join(fixture.vm.vm.directory, 'vsock.sock'));

  it('reaches the console of the guest, and ends with its input', async ({ skip }) => {
    skip(!isHybrid(), 'the vsock of this host is not the one that the record names');
    const output = await kihonConsole(fixture.vm, 'version\nuptime\n', '--debug');
    expect(output).toMatch(/agent 4\.1\.0\nLinux version [\s\S]*up 0 d/);
  });

  it('says how a guest gets one', async ({ skip }) => {
    skip(!isHybrid(), 'the vsock of this host is not the one that the record names');
    const output = await kihonConsole(fixture.vm, '', '--debug', '--port', '1027');
    expect(output).toContain('no debug console on port 1027 of box');
    expect(output).toContain('--append agent.debug_console');
  });
});

describe('the debug console on the console of the VM', { timeout: 120_000 }, () => {
  it('is an interactive shell with the console as its terminal, once', async () => {
    await using vm = await TestVm.boot({ hasShell: true, kernelParameters: ['agent.debug_console'] });
    using session = serial(vm);
    session.type('\r');
    await session.until(SHELL_PROMPT);
    session.type('read -r _ _ _ _ _ sid tty _ < /proc/$$/stat; echo "leads=$((sid == $$)) tty=$((tty != 0))"\r');
    await session.until('leads=1 tty=1');
    session.type('exit 5\r');
    await session.until('shell ended');
    const client = await vm.connect();
    await client.check();
    session.type('echo nobody "list""ens"\r');
    await client.check();
    await vm.powerOff();
    expect(vm.console).not.toContain('nobody listens');
  });

  it('is the inspector without a shell', async () => {
    await using vm = await TestVm.boot({ kernelParameters: ['agent.debug_console'] });
    using session = serial(vm);
    session.type('uptime\r');
    await session.until(/up 0 d 0 h \d+ min/);
    const client = await vm.connect();
    await client.check();
    await vm.powerOff();
  });

  it('VMB-03: is off by default, and so is the port', async () => {
    await using vm = await TestVm.boot({ hasShell: true, kernelParameters: [`agent.debug_console_vport=${PORT}`] });
    using session = serial(vm);
    session.type('echo "somebody li""stens"\r');
    await expect(vm.dial(PORT, 3000)).rejects.toThrow();
    const client = await vm.connect();
    await client.check();
    await vm.powerOff();
    expect(vm.console).not.toContain('somebody listens');
  });
});
