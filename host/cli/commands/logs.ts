import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { StateStore } from '../../sdk/state-store.ts';
import { HostError } from '../../vm/host-error.ts';
import { followContainerLog, readContainerLog, type LogRecord } from '../container-log.ts';
import { requireRoot } from '../connect-sandbox.ts';
import { wantsJson } from '../command-context.ts';

interface LogsFlags {
  readonly follow?: boolean;
  readonly console?: boolean;
}

function printer(isJson: boolean): (record: LogRecord) => void {
  if (!isJson) return ({ stream, data }) => void process[stream].write(data);
  return ({ time, stream, data }) => {
    const line = { time: new Date(time).toISOString(), stream, data: data.toString('utf8') };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
}

async function printConsole(directory: string): Promise<void> {
  for (const part of ['console.log.1', 'console.log']) {
    const path = join(directory, part);
    if (existsSync(path)) process.stdout.write(await readFile(path));
  }
}

/** `kihon logs`: what a detached container has written. */
export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .summary("print a detached container's output")
    .description(
      'Prints what the container of a detached sandbox has written, each stream to the one of the same name.',
    )
    .argument('<name>', 'name of the sandbox')
    .option('-f, --follow', 'go on until the container ends')
    .option('--console', "print the VM's console instead: the kernel and the agent")
    .option('--json', 'one JSON object per piece of output')
    .action(async (name: string, flags: LogsFlags, command: Command) => {
      requireRoot();
      const store = new StateStore();
      const record = store.get(name);
      const directory = store.directory(name);
      if (flags.console === true) return await printConsole(directory);
      if (!record.isDetached) {
        throw new HostError(`${name} runs in the foreground: its output is on its own terminal`, {
          hint: `kihon logs --console ${name}`,
        });
      }
      const path = join(directory, 'container.log');
      const print = printer(wantsJson(command));
      const isOver = (): boolean => store.find(name)?.status !== 'running';
      const records = flags.follow === true ? followContainerLog(path, isOver) : readContainerLog(path);
      for await (const one of records) print(one);
    });
}
