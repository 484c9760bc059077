import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RpcError } from '../../../host/client/rpc-error.ts';
import { Watched } from '../../support/agent/standing-checks.ts';
import { RootFilesystems } from '../../support/container/root-filesystem.ts';
import { freshId, removeLeftContainers, TestContainer } from '../../support/container/test-container.ts';
import { defaultConfig, type Edit } from '../../support/oci-bundle.ts';
import type { CommandOutcome } from '../../support/oci-machine.ts';
import { specOf } from './proto-config.ts';
import type { Target } from './target.ts';

const run = promisify(execFile);

/** The agent's API as a runtime: what is seen from inside a container is the same, the configuration comes as protobuf. */
export class AgentTarget implements Target {
  readonly #watched: Watched;
  readonly #roots: RootFilesystems;
  #count = 0;

  private constructor(watched: Watched, roots: RootFilesystems) {
    this.#watched = watched;
    this.#roots = roots;
  }

  static async start(): Promise<AgentTarget> {
    const roots = await RootFilesystems.create();
    const watched = await Watched.start({}, async (client) => {
      await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname' });
      // The first container makes folders that stay, such as the parent of all cgroups.
      await TestContainer.run(client, { root: roots.shared, run: 'exit 0' });
    });
    return new AgentTarget(watched, roots);
  }

  get runtime(): never {
    throw new Error('the agent has no command line');
  }

  async run(script: string | readonly string[], edit: Edit = () => undefined): Promise<CommandOutcome> {
    const container = await this.#create(script, edit);
    await container.start();
    const outcome = await container.finish();
    await container.remove();
    return outcome;
  }

  async refusal(edit: Edit): Promise<string> {
    try {
      const container = await this.#create('echo the program ran', edit);
      await container.start();
    } catch (error) {
      // A dead agent or a deadline is no refusal.
      const isRefusal = error instanceof RpcError && error.code !== 'unavailable' && error.code !== 'deadline_exceeded';
      if (!isRefusal) throw error;
      await removeLeftContainers();
      return error.message;
    }
    throw new Error('the agent accepted and started what it should refuse');
  }

  async #create(script: string | readonly string[], edit: Edit): Promise<TestContainer> {
    const id = freshId('conformance');
    const config = defaultConfig(id, script);
    edit(config);
    this.#count += 1;
    const bundle = join(this.#roots.folder, `bundle-${this.#count}`);
    const OCI = specOf(config, bundle);
    mkdirSync(bundle);
    // Links: nobody writes to the programs, and everything else is made anew.
    await run('cp', ['-al', this.#roots.shared, join(bundle, 'rootfs')]);
    const { client } = this.#watched;
    await client.call('CreateContainer', { container_id: id, exec_id: id, OCI });
    return TestContainer.attach(client, id);
  }

  async verify(): Promise<void> {
    await removeLeftContainers();
    await this.#watched.verify();
    for (let count = 1; count <= this.#count; count++)
      rmSync(join(this.#roots.folder, `bundle-${count}`), { recursive: true, force: true });
  }

  async release(): Promise<void> {
    await this.#watched[Symbol.asyncDispose]();
    await this.#roots[Symbol.asyncDispose]();
  }
}
