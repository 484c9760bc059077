import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Command } from 'commander';
import { StateStore, type SandboxRecord } from '../../sdk/state-store.ts';
import { HostError } from '../../vm/host-error.ts';
import { dialVsock } from '../../vm/vsock-transport.ts';
import { requireRoot } from '../connect-sandbox.ts';
import { parseCount } from '../option-parsers.ts';
import { say } from '../say.ts';
import { RawTerminal } from '../terminal.ts';

/** ctrl-]: leaves the console, as with telnet. */
const ESCAPE_BYTE = 0x1d;
/** Where Kata's hosts look for the debug console. */
const DEBUG_PORT = 1026;
/** A guest that runs answers at once; one without the console refuses at once. */
const DIAL_TIMEOUT_MS = 3000;

/** ctrl-D: what a terminal of the guest takes for the end of input. */
const END_OF_INPUT = '\x04';

/** Joins our terminal and the guest's. `last` follows the end of an input that is no terminal. */
async function attach(stream: Duplex, last?: string): Promise<void> {
  using _terminal = new RawTerminal();
  if (process.stdin.isTTY) say('press ctrl-] to leave the console\r');
  process.stdin.on('data', (chunk: Buffer) => {
    const escape = process.stdin.isTTY ? chunk.indexOf(ESCAPE_BYTE) : -1;
    if (escape >= 0) stream.destroy();
    else stream.write(chunk);
  });
  if (last !== undefined) process.stdin.once('end', () => void stream.write(last));
  stream.on('error', () => undefined);
  stream.pipe(process.stdout, { end: false });
  await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  // Whoever typed may type on; nobody listens any more.
  process.stdin.pause();
}

/** The VM's own console: what the guest has written so far, then what comes. */
async function openVmConsole(directory: string): Promise<Duplex> {
  const log = join(directory, 'console.log');
  const socket = connect(join(directory, 'console.sock'));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(new HostError('the console is not there any more', { cause: error })));
  });
  if (existsSync(log)) process.stdout.write(await readFile(log));
  return socket;
}

/** A shell in the guest, or the agent's inspector. */
async function openDebugConsole({ name, vsock }: SandboxRecord, port: number): Promise<Duplex> {
  if (vsock === undefined) throw new HostError(`sandbox ${name} is still starting`);
  try {
    return await dialVsock(vsock, port, { timeoutMs: DIAL_TIMEOUT_MS });
  } catch (error) {
    throw new HostError(`no debug console on port ${port} of ${name}`, {
      cause: error,
      hint: `kihon run --append agent.debug_console --append agent.debug_console_vport=${port}`,
    });
  }
}

/** `kihon console`: the VM's own console, or the debug console of its agent. */
export function addConsoleCommand(program: Command): void {
  program
    .command('console')
    .summary("attach to a VM's console")
    .description('Prints what the guest has written to its console and goes on; what is typed goes to the guest.')
    .argument('<name>', 'name of the sandbox')
    .option('-d, --debug', "the agent's debug console instead: a shell, or an inspector in an image without one")
    .option('--port <port>', 'vsock port of the debug console', parseCount, DEBUG_PORT)
    .action(async (name: string, options: { readonly debug?: boolean; readonly port: number }) => {
      requireRoot();
      const store = new StateStore();
      const record = store.get(name);
      if (record.status === 'exited')
        throw new HostError(`${name} has exited`, { hint: `kihon logs --console ${name}` });
      if (options.debug === true) await attach(await openDebugConsole(record, options.port), END_OF_INPUT);
      else await attach(await openVmConsole(store.directory(name)));
    });
}
