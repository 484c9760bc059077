import type { AgentClient } from '../../host/client/agent-client.ts';
import { READ_LENGTH, TestProcess } from '../support/container/test-container.ts';
import { processSpec } from '../support/container/container-spec.ts';
import { randomUUID } from 'node:crypto';
import { repeat, elapsedMs, type Samples } from './statistics.ts';

/** Calls that are under way at once, for the rate. */
export const IN_FLIGHT = 32;

const BYTES_PER_MB_MS = 1000;

/** Time of a Check, one after another. */
export async function checkLatency(client: AgentClient, count: number): Promise<Samples> {
  await repeat(Math.min(count, 50), () => elapsedMs(() => client.check()));
  return await repeat(count, () => elapsedMs(() => client.check()));
}

/** Checks answered in a second with `IN_FLIGHT` under way all the time. */
export async function checkRate(client: AgentClient, count: number): Promise<number> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) await client.check();
  };
  const ms = await elapsedMs(() => Promise.all(Array.from({ length: IN_FLIGHT }, one)));
  return (count / ms) * 1000;
}

/** Starts one more process in a container. */
async function exec(client: AgentClient, containerId: string, run: string): Promise<TestProcess> {
  const execId = `exec-${randomUUID()}`;
  await client.call('ExecProcess', { container_id: containerId, exec_id: execId, process: processSpec({ run }) });
  return new TestProcess(client, containerId, execId);
}

/** MB/s that a container writes and one reader gets, 32 KiB at a time and one request at a time, as Kata's host reads. */
export async function stdoutRate(
  client: AgentClient,
  containerId: string,
  bytes: number,
  readLength = READ_LENGTH,
): Promise<number> {
  const process = await exec(client, containerId, `head -c ${bytes} /dev/zero`);
  const ids = { container_id: containerId, exec_id: process.execId, len: readLength };
  let got = 0;
  const ms = await elapsedMs(async () => {
    for (;;) {
      const { data } = await client.call('ReadStdout', ids);
      if (data.length === 0) return;
      got += data.length;
    }
  });
  await process.wait();
  if (got !== bytes) throw new Error(`${got} bytes came of ${bytes}`);
  return bytes / ms / BYTES_PER_MB_MS;
}

/** MB/s that one writer sends to a container's process, 32 KiB at a time, until it has read them all. */
export async function stdinRate(client: AgentClient, containerId: string, bytes: number): Promise<number> {
  const process = await exec(client, containerId, 'cat >/dev/null');
  const data = new Uint8Array(READ_LENGTH);
  const ms = await elapsedMs(async () => {
    for (let sent = 0; sent < bytes; sent += data.length) await process.write(data);
    await process.closeStdin();
    await process.wait();
  });
  return bytes / ms / BYTES_PER_MB_MS;
}
