import { Readable, Writable } from 'node:stream';
import type { AgentClient } from '../client/agent-client.ts';

/** Most bytes asked for in one read and sent in one write; Kata's own host uses 32 KiB. */
const CHUNK_BYTES = 64 * 1024;

/** Which process of which container. */
export interface ProcessAddress {
  readonly containerId: string;
  /** The container's id addresses its first process. */
  readonly execId: string;
}

/**
 * What the process writes, as a stream. The agent is asked for more only when somebody reads, so a slow reader stops the
 * process and nothing piles up. An answer without data is the end.
 */
export function outputStream(
  client: AgentClient,
  address: ProcessAddress,
  method: 'ReadStdout' | 'ReadStderr',
): Readable {
  const request = { container_id: address.containerId, exec_id: address.execId, len: CHUNK_BYTES };
  const abort = new AbortController();
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      client.call(method, request, { signal: abort.signal }).then(
        ({ data }) => this.push(data.length === 0 ? null : data),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, callback) {
      abort.abort();
      callback(error);
    },
  });
}

/** What the process reads, as a stream; ending it closes the process's standard input. */
export function inputStream(client: AgentClient, address: ProcessAddress): Writable {
  const ids = { container_id: address.containerId, exec_id: address.execId };
  const abort = new AbortController();
  const send = async (chunk: Uint8Array): Promise<void> => {
    for (let offset = 0; offset < chunk.length;) {
      const data = chunk.subarray(offset, offset + CHUNK_BYTES);
      const { len } = await client.call('WriteStdin', { ...ids, data }, { signal: abort.signal });
      // An agent that took nothing would otherwise be asked for ever.
      if (len === 0) throw new Error('the agent took no input');
      offset += len;
    }
  };
  return new Writable({
    highWaterMark: CHUNK_BYTES,
    write(chunk: Uint8Array, _encoding, callback) {
      send(chunk).then(() => callback(), callback);
    },
    final(callback) {
      client.call('CloseStdin', ids).then(() => callback(), callback);
    },
    destroy(error, callback) {
      abort.abort();
      callback(error);
    },
  });
}
