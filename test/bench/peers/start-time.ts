import { once } from 'node:events';
import { watch } from 'node:fs';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AgentProcess, type AgentOptions } from '../../support/agent/start-agent.ts';

/** Said by the shell right before it becomes the program. */
const STARTING = 'starting';

export interface Started {
  readonly process: AgentProcess;
  /** From exec to the first answer, in ms. */
  readonly ms: number;
}

/** Connects as soon as somebody listens. */
async function dialEagerly(agent: AgentProcess): Promise<Socket> {
  for (;;) {
    if (agent.hasExited) throw new Error(`it ended before it listened:\n${agent.log}`);
    try {
      return await agent.dial();
    } catch {
      // The socket's file is there between bind(2) and listen(2) already.
      await nextTurn();
    }
  }
}

/**
 * Starts a program that listens on the agent's address and measures the time from its exec to its first answer. Nobody polls
 * meanwhile: the folder of the socket is watched.
 */
export async function startTimed(options: AgentOptions, ask: (socket: Socket) => Promise<void>): Promise<Started> {
  const agent = new AgentProcess({ ...options, prepare: `${options.prepare ?? ':'}; echo ${STARTING}` });
  const appeared = new AbortController();
  const watcher = watch(agent.folder, () => appeared.abort());
  try {
    const output = agent.child.stdout;
    if (output === null) throw new Error('the program has no standard output');
    const gone = once(agent.child, 'close').then(() => {
      throw new Error(`it ended before it answered:\n${agent.log}`);
    });
    gone.catch(() => undefined);
    await Promise.race([once(output, 'data'), gone]);
    const begin = performance.now();
    const bound = new Promise<void>((resolve) => {
      if (appeared.signal.aborted) resolve();
      else appeared.signal.addEventListener('abort', () => resolve());
    });
    await Promise.race([bound, gone]);
    const socket = await dialEagerly(agent);
    await ask(socket);
    return { process: agent, ms: performance.now() - begin };
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  } finally {
    watcher.close();
  }
}
