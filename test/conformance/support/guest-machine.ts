import { posix } from 'node:path';
import type { CommandOptions, CommandOutcome, Machine } from '../../support/oci-machine.ts';
import { quote } from '../../support/oci-runtime.ts';
import { TestVm } from '../../support/vm/test-vm.ts';
import { askWitness, WITNESS_PORT } from '../../support/vm/witness.ts';

/** A file system of its own: what is mounted at /run may not allow programs. */
const PLACE = '/run/conformance';
const ERRORS = '\n@@@ standard error @@@\n';
const STATUS = '\n@@@ status @@@ ';

/** A guest with cgroup v2 and all its controllers, as a place for a runtime. Commands run beside the agent. */
export class GuestMachine implements Machine {
  readonly name = 'vm';
  readonly folder = `${PLACE}/work`;
  readonly busybox = `${PLACE}/busybox`;
  /** Our runtime: the ELF of the agent under its third name. */
  readonly runtime = `${PLACE}/kihon-oci`;
  readonly vm: TestVm;

  private constructor(vm: TestVm) {
    this.vm = vm;
  }

  static async start(): Promise<GuestMachine> {
    const vm = await TestVm.boot({ hasWitness: true, memoryMib: 512 });
    const machine = new GuestMachine(vm);
    try {
      // The agent mounts the shared directory on CreateSandbox.
      const client = await vm.connect();
      await client.check();
      const { SANDBOX_STORAGES } = await import('../../support/vm/vm-fixture.ts');
      await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname', storages: SANDBOX_STORAGES });
      await vm.witness(`
        mkdir -p ${PLACE} && mount -t tmpfs -o mode=711 tmpfs ${PLACE} && mkdir -m 711 ${machine.folder}
        cp -a ${vm.root} ${machine.busybox} && cp /proc/1/exe ${machine.runtime} && chmod 755 ${machine.runtime}`);
      return machine;
    } catch (error) {
      vm.showConsole('set-up of the conformance suite');
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  async command(argv: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
    const { input, cwd = '/', env = {} } = options;
    const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)};`);
    const given = input === undefined ? '</dev/null' : `<<'@@@ end @@@'\n${input}\n@@@ end @@@`;
    const script = `t=$(mktemp -d ${PLACE}/command-XXXXXX)
      ( cd ${quote(cwd)}; ${variables.join(' ')} exec ${argv.map(quote).join(' ')} ) >$t/out 2>$t/err ${given}
      s=$?
      cat $t/out; printf ${quote(ERRORS)}; cat $t/err; printf '${STATUS}%d' $s; rm -r $t`;
    const { output } = await askWitness(await this.vm.dial(WITNESS_PORT), script);
    const [stdout = '', rest = ''] = output.split(ERRORS);
    const [stderr = '', status = ''] = rest.split(STATUS);
    if (status === '') throw new Error(`in the guest: ${argv.join(' ')}: ${output}`);
    return { stdout, stderr, status: Number(status) };
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    const encoded = Buffer.from(text).toString('base64');
    const folder = quote(posix.dirname(path));
    const file = quote(path);
    await this.vm.witness(
      `mkdir -p ${folder} && echo ${encoded} | base64 -d >${file} && chmod ${mode.toString(8)} ${file}`,
    );
  }

  async read(path: string): Promise<string> {
    const { stdout, stderr, status } = await this.command(['cat', path]);
    if (status !== 0) throw new Error(`in the guest: ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vm[Symbol.asyncDispose]();
  }
}
