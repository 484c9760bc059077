import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DescriptorReceiver } from '../../conformance/support/descriptor-receiver.ts';
import { eventually } from '../../support/eventually.ts';
import { exitOf, textOf, useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();

/** A shell script on a terminal of 33 rows and 77 columns; `RUNTIME` stands for the command. */
async function onTerminal(script: string, input: string): Promise<{ output: string; code: number }> {
  const command = [...runtime().argv, '--root', runtime().stateFolder].join(' ');
  const text = `stty rows 33 cols 77; ${script.replaceAll('RUNTIME', command)}`;
  const child = spawn('script', ['-qec', text, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
  const output = textOf(child.stdout);
  child.stdin.write(input);
  const code = await exitOf(child);
  child.stdin.destroy();
  return { output: await output, code };
}

describe('a terminal in the foreground', () => {
  it('has the size of ours, takes our keys, and gives ours back as it was', async () => {
    const container = await runtime().prepare('stty size; read word; echo "got $word"; exit 4', (config) => {
      config.process.terminal = true;
    });
    const run = `RUNTIME run --bundle ${container.bundle.path} ${container.id}`;
    const script = `before=$(stty -g); ${run}; echo "code $?"; [ "$before" = "$(stty -g)" ] && echo "as it was"`;
    const { output } = await onTerminal(script, 'word\r');
    expect(output).toContain('33 77');
    expect(output).toContain('got word');
    expect(output).toContain('code 4');
    expect(output).toContain('as it was');
  });

  it('is there for exec too', async () => {
    const container = await runtime().create('sleep 100');
    await container.start();
    const { output, code } = await onTerminal(`RUNTIME exec -t ${container.id} sh -c 'tty; stty size; exit 9'`, '');
    expect(output).toContain('/dev/pts/');
    expect(output).toContain('33 77');
    expect(code).toBe(9);
  });

  it('passes on everything the program wrote last', async () => {
    const container = await runtime().prepare(
      'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done',
      (config) => {
        config.process.terminal = true;
      },
    );
    const outcome = await runtime().command(['run', '--bundle', container.bundle.path, container.id]);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout.split('\r\n').filter((line) => line.startsWith('line '))).toHaveLength(2000);
  });

  it('takes its input from a file as well', async () => {
    const container = await runtime().prepare('read word; echo "got $word"', (config) => {
      config.process.terminal = true;
    });
    const args = ['run', '--bundle', container.bundle.path, container.id];
    expect((await runtime().command(args, { input: 'word\n' })).stdout).toContain('got word');
  });
});

describe('a terminal in the background', () => {
  it('is refused without a socket for its other end, and the socket without a terminal', async () => {
    const withTerminal = await runtime().prepare('true', (config) => {
      config.process.terminal = true;
    });
    const create = (path: string, ...more: readonly string[]) =>
      runtime().command(['create', ...more, '--bundle', path, withTerminal.id]);
    expect((await create(withTerminal.bundle.path)).stderr).toContain('without setting console socket');
    const missing = await create(withTerminal.bundle.path, '--console-socket', '/nowhere');
    expect(missing.stderr).toContain('no such file or directory');
    const without = await runtime().prepare('true');
    const refused = await create(without.bundle.path, '--console-socket', '/nowhere');
    expect(refused.stderr).toContain('cannot use console socket');
    expect(runtime().stateDirectories).toEqual([]);
  });

  it('goes to the socket as one descriptor, also of a deep directory', async () => {
    const container = await runtime().prepare('tty; echo to the terminal', (config) => {
      config.process.terminal = true;
    });
    const { machine } = runtime();
    const folder = join(machine.folder, 'deep'.repeat(10));
    await machine.command(['mkdir', '-p', folder]);
    await using receiver = await DescriptorReceiver.start(machine, folder);
    const args = ['--console-socket', receiver.socket, '--bundle', container.bundle.path];
    await runtime().succeed(['create', ...args, container.id]);
    await container.start();
    await eventually(async () => expect(await container.status()).toBe('stopped'));
    expect(await receiver.output()).toContain('to the terminal');
  });
});
