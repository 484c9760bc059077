import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { GUEST_SHARE } from '../../../host/sdk/volume.ts';
import { SHARE_TAG } from '../../../host/vm/virtual-machine.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';
import { TestVm } from '../../support/vm/test-vm.ts';
import { HOLDINGS_SCRIPT } from '../../support/vm/vm-holdings.ts';
import { ephemeralStorage, warmUp } from './settle.ts';
import { LOG_TAIL, SANDBOX_ID, type Place, type Vitals } from './place.ts';

/** What Kata gives a small pod, in MiB. */
const MEMORY_MIB = 256;

/**
 * One line: resident and anonymous memory, descriptors, zombies of the agent's. Only shell built-ins and two processes: the guest may be
 * full. Among thousands of processes of a container nobody is looked for; that is done afterwards.
 */
const VITALS_SCRIPT = `
while read -r key value unit; do case $key in VmRSS:) rss=$value;; RssAnon:) anon=$value;; esac; done < /proc/1/status
set -- /proc/1/fd/*; fds=$#; zombies=0
set -- /proc/[0-9]*/stat
[ $# -lt 600 ] || set --
for f; do
  { read -r line < $f; } 2>/dev/null || continue
  case \${line##*) } in 'Z 1 '*) zombies=$((zombies+1));; esac
done
echo $rss $anon $fds $zombies
`;

/** The agent as PID 1, with all cgroup controllers. */
export class VmPlace implements Place {
  readonly kind = 'vm';
  readonly #vm: TestVm;
  #steady: AgentClient | undefined;

  private constructor(vm: TestVm) {
    this.#vm = vm;
  }

  static async boot(memoryMib = MEMORY_MIB): Promise<VmPlace> {
    const zombies = await compileProgram('make-zombies');
    const vm = await TestVm.boot({
      hasWitness: true,
      memoryMib,
      cpus: 2,
      prepareRoot: (root) => copyFileSync(zombies, join(root, 'bin/make-zombies')),
    });
    const place = new VmPlace(vm);
    try {
      // Whoever looks must not be whom the kernel kills when memory is full.
      await vm.witness('echo -1000 > /proc/$PPID/oom_score_adj');
      const client = await place.connect();
      const storages = [
        { driver: 'virtio-fs', source: SHARE_TAG, fstype: 'virtiofs', mount_point: GUEST_SHARE, options: [] },
        ephemeralStorage,
      ];
      await client.call('CreateSandbox', { sandbox_id: SANDBOX_ID, hostname: 'soak', storages });
      await warmUp(client, place.root);
      place.#steady = client;
      return place;
    } catch (error) {
      process.stderr.write(vm.console.slice(-LOG_TAIL));
      await place[Symbol.asyncDispose]();
      throw error;
    }
  }

  get root(): string {
    return this.#vm.root;
  }

  get logTail(): string {
    return this.#vm.console.slice(-LOG_TAIL);
  }

  connect(): Promise<AgentClient> {
    return this.#vm.connect();
  }

  async vitals(): Promise<Vitals> {
    const text = await this.script(VITALS_SCRIPT);
    const found = /^(\d+) (\d+) (\d+) (\d+)$/m.exec(text);
    if (found === null) throw new Error(`the guest does not say how it is: ${JSON.stringify(text)}`);
    const [, residentKib = NaN, anonymousKib = NaN, descriptors = NaN, zombies = NaN] = found.map(Number);
    return { residentKib, anonymousKib, descriptors, zombies };
  }

  async holdings(): Promise<readonly string[]> {
    // Once it answers, it has seen what ended before.
    await this.#steady?.check();
    const lines = (await this.script(HOLDINGS_SCRIPT)).split('\n');
    return lines.filter((line) => line !== '' && !line.startsWith('RssAnon'));
  }

  script(text: string): Promise<string> {
    return this.#vm.witness(text);
  }

  async end(): Promise<void> {
    await this.#vm.powerOff();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vm[Symbol.asyncDispose]();
  }
}
