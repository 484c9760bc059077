import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { RootFilesystems } from '../container/root-filesystem.ts';
import { removeLeftContainers, TestContainer } from '../container/test-container.ts';
import { Watched } from './standing-checks.ts';
import type { AgentOptions, AgentProcess } from './start-agent.ts';

/** Longest set-up and tear-down of a test file, in ms. */
const HOOK_MS = 240_000;

/** Where Kata's host puts the ephemeral volumes of a sandbox. */
export const EPHEMERAL = '/run/kata-containers/sandbox/ephemeral';

/** What the tests of one file share; valid inside tests. */
export interface AgentFixture {
  readonly agent: AgentProcess;
  readonly client: AgentClient;
  readonly watched: Watched;
  readonly roots: RootFilesystems;
  /** A busybox root file system that no test changes. */
  readonly root: string;
}

/**
 * One agent with a sandbox for all tests of a file. After each test the standing checks are made, so a test that leaves something
 * behind is the one that fails; at the end the agent is asked to end and must say so with its status.
 */
export function useAgent(options: AgentOptions = {}): AgentFixture {
  let watched: Watched | undefined;
  let roots: RootFilesystems | undefined;

  beforeAll(async () => {
    roots = await RootFilesystems.create();
    const root = roots.shared;
    watched = await Watched.start(options, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname' });
      // The first container makes folders that stay, such as the parent of all cgroups.
      const storage = { driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point: `${EPHEMERAL}/first` };
      const request = { storages: [storage] };
      expect(await TestContainer.run(client, { root, run: 'exit 0', request })).toMatchObject({ status: 0 });
    });
  }, HOOK_MS);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await removeLeftContainers();
    try {
      await watched?.verify();
    } catch (error) {
      // What this test left is not the next one's fault.
      if (watched?.agent.hasExited === false) await watched.rebase().catch(() => undefined);
      throw error;
    }
  }, HOOK_MS);

  afterAll(async () => {
    try {
      if (watched !== undefined) expect(await watched.agent.stop(), watched.agent.log.slice(-2000)).toBe(143);
    } finally {
      await watched?.[Symbol.asyncDispose]();
      await roots?.[Symbol.asyncDispose]();
    }
  }, HOOK_MS);

  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the agent is there only inside tests');
    return value;
  };
  return {
    get agent() {
      return need(watched).agent;
    },
    get client() {
      return need(watched).client;
    },
    get watched() {
      return need(watched);
    },
    get roots() {
      return need(roots);
    },
    get root() {
      return need(roots).shared;
    },
  };
}
