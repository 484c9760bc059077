import { expect } from 'vitest';
import { quote } from '../../support/oci-runtime.ts';
import { DescriptorReceiver } from '../support/descriptor-receiver.ts';
import { section } from '../support/section.ts';

section('config.md#process', ({ promise, operation }) => {
  promise('args are the arguments of the program, whatever is in them', async (runner) => {
    const args = ['', ' ', "it's", '"', '$HOME', 'line\nbreak', 'grüß'];
    const { stdout } = await runner.run(['/bin/sh', '-c', 'printf "<%s>" "$@"', 'sh', ...args]);
    expect(stdout).toBe(args.map((arg) => `<${arg}>`).join(''));
  });

  promise('args[0] is looked up in the PATH of env', async (runner) => {
    const { stdout } = await runner.run(['echo', 'found'], (config) => {
      config.process.env = ['PATH=/nowhere:/bin'];
    });
    expect(stdout).toBe('found\n');
  });

  promise('at least one entry of args is required', async (runner) => {
    await runner.refusal((config) => {
      config.process.args = [];
    });
    await runner.refusal((config) => Reflect.deleteProperty(config.process, 'args'));
  });

  promise('env is the environment, and nothing else is', async (runner) => {
    const env = ['PATH=/bin', 'A=1', 'EMPTY=', 'WITH=a=b', 'SPACE= x '];
    const { stdout } = await runner.run(['/bin/busybox', 'env'], (config) => {
      config.process.env = env;
    });
    // Runtimes add HOME from the user's record.
    expect(stdout.split('\n').filter((line) => line !== '' && !line.startsWith('HOME='))).toEqual(env);
  });

  promise('cwd is the working directory', async (runner) => {
    const { stdout } = await runner.run('pwd', (config) => {
      config.process.cwd = '/dev/shm';
    });
    expect(stdout).toBe('/dev/shm\n');
  });

  promise('cwd must be absolute', async (runner) => {
    await runner.refusal((config) => {
      config.process.cwd = 'bin';
    });
  });

  promise('cwd is required', async (runner) => {
    await runner.refusal((config) => Reflect.deleteProperty(config.process, 'cwd'));
  });

  promise('consoleSize is ignored without a terminal', async (runner) => {
    const outcome = await runner.run('echo fine', (config) => {
      config.process['consoleSize'] = { height: 10, width: 20 };
    });
    expect(outcome).toMatchObject({ stdout: 'fine\n', status: 0 });
  });

  promise('without a terminal the standard streams are none', async (runner) => {
    const { stdout } = await runner.run('for f in 0 1 2; do [ -t $f ] && echo tty; done; echo end');
    expect(stdout).toBe('end\n');
  });

  operation('with a terminal the standard streams are a pseudoterminal', async (runtime) => {
    const container = await runtime.prepare(
      'for f in 0 1 2; do [ -t $f ] && echo tty; done; readlink /proc/self/fd/0',
      (config) => {
        config.process.terminal = true;
      },
    );
    const command = [
      ...runtime.argv,
      '--root',
      runtime.stateFolder,
      'run',
      '--bundle',
      container.bundle.path,
      container.id,
    ];
    const { stdout } = await runtime.machine.command(['script', '-qefc', command.map(quote).join(' '), '/dev/null']);
    expect(stdout).toMatch(/tty\r\ntty\r\ntty\r\n\/dev\/(pts\/0|console)\r\n/);
  });

  operation('consoleSize is the size of the terminal, whose master goes to the console socket', async (runtime) => {
    const container = await runtime.prepare('stty size', (config) => {
      config.process.terminal = true;
      config.process['consoleSize'] = { height: 33, width: 77 };
    });
    await using receiver = await DescriptorReceiver.start(runtime.machine, container.bundle.path);
    await container.create(['--console-socket', receiver.socket]);
    await container.start();
    await container.stopped();
    await container.delete();
    expect(await receiver.output()).toMatch(/33 77\r\n$/);
  });
});
