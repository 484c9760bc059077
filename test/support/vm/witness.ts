import type { Duplex } from 'node:stream';
import { within } from '../eventually.ts';

/** Where `programs/witness.c` listens. */
export const WITNESS_PORT = 9999;

/** Longest script, in ms; a guest without hardware help on a busy machine is slow. */
const SCRIPT_MS = 120_000;

/** What a script wrote, both streams together, and its exit status. */
export interface WitnessAnswer {
  readonly output: string;
  readonly status: number;
}

/** Runs a script on a fresh connection to a guest's witness: as root, in the agent's mount and pid namespaces. */
export async function askWitness(stream: Duplex, script: string): Promise<WitnessAnswer> {
  const body = Buffer.from(script);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  const chunks: Buffer[] = [];
  try {
    const answered = new Promise<string>((resolve, reject) => {
      const fail = (): void =>
        reject(new Error(`the witness broke off after ${JSON.stringify(Buffer.concat(chunks).toString())}`));
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        const text = Buffer.concat(chunks).toString('latin1');
        if (/\nexit \d+\n$/.test(text)) resolve(text);
      });
      stream.on('error', fail);
      stream.on('close', fail);
    });
    stream.write(Buffer.concat([head, body]));
    const text = await within(SCRIPT_MS, `the witness's answer to ${JSON.stringify(script.slice(0, 80))}`, answered);
    const end = text.lastIndexOf('\nexit ');
    return { output: text.slice(0, end), status: Number(text.slice(end + '\nexit '.length)) };
  } finally {
    stream.destroy();
  }
}
