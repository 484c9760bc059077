import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { callJson } from '../../client/json-call.ts';
import { StateStore } from '../../sdk/state-store.ts';
import { HostError } from '../../vm/host-error.ts';
import { connectAddress, connectSandbox, requireRoot, selectSandbox } from '../connect-sandbox.ts';
import { Interruption } from '../interruption.ts';
import { parseSeconds } from '../option-parsers.ts';

interface RpcFlags {
  readonly name?: string;
  readonly address?: string;
  readonly timeout?: number;
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source.trim() === '' ? '{}' : source);
  } catch (error) {
    throw new HostError('the request is not JSON', { cause: error });
  }
}

/** `kihon rpc`: one call of the agent's API. */
export function addRpcCommand(program: Command): void {
  program
    .command('rpc')
    .summary("call a method of the agent's API")
    .description(
      'Calls METHOD (e.g. GetGuestDetails; Check and Version are those of grpc.Health) with a request in JSON and prints\n' +
        'the answer in JSON. Fields have the names of the .proto files, bytes are base64, 64-bit numbers may be text.',
    )
    .argument('<method>', 'name of the method')
    .argument('[json]', 'the request; - reads it from standard input', '{}')
    .option('--name <name>', 'sandbox to ask; not needed when only one runs')
    .option('--address <address>', 'agent that runs as a plain process: unix:///PATH')
    .option('--timeout <seconds>', 'give up after this time', parseSeconds)
    .action(async (method: string, json: string, flags: RpcFlags) => {
      const request = parseJson(json === '-' ? await text(process.stdin) : json);
      using interruption = new Interruption();
      const connect = async () => {
        if (flags.address !== undefined) return await connectAddress(flags.address);
        requireRoot();
        return await connectSandbox(selectSandbox(new StateStore(), flags.name), interruption.signal);
      };
      await using client = await connect();
      const limits = {
        signal: interruption.signal,
        ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
      };
      const answer = await callJson(client, method, request, limits);
      process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    });
}
