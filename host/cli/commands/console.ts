import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { StateStore } from '../../sdk/state-store.ts';
import { HostError } from '../../vm/host-error.ts';
import { requireRoot } from '../connect-sandbox.ts';
import { say } from '../say.ts';
import { RawTerminal } from '../terminal.ts';

/** ctrl-]: leaves the console, as with telnet. */
const ESCAPE_BYTE = 0x1d;

async function attach(directory: string): Promise<void> {
  const log = join(directory, 'console.log');
  const socket = connect(join(directory, 'console.sock'));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(new HostError('the console is not there any more', { cause: error })));
  });
  if (existsSync(log)) process.stdout.write(await readFile(log));
  using _terminal = new RawTerminal();
  if (process.stdin.isTTY) say('press ctrl-] to leave the console\r');
  process.stdin.on('data', (chunk: Buffer) => {
    const escape = process.stdin.isTTY ? chunk.indexOf(ESCAPE_BYTE) : -1;
    if (escape >= 0) socket.end();
    else socket.write(chunk);
  });
  socket.pipe(process.stdout, { end: false });
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** `kihon console`: the VM's own console. */
export function addConsoleCommand(program: Command): void {
  program
    .command('console')
    .summary("attach to a VM's console")
    .description('Prints what the guest has written to its console and goes on; what is typed goes to the guest.')
    .argument('<name>', 'name of the sandbox')
    .action(async (name: string) => {
      requireRoot();
      const store = new StateStore();
      const record = store.get(name);
      if (record.status === 'exited')
        throw new HostError(`${name} has exited`, { hint: `kihon logs --console ${name}` });
      await attach(store.directory(name));
    });
}
