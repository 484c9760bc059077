import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from './eventually.ts';
import { defaultConfig, type Edit, type OciConfig } from './oci-bundle.ts';
import { shell, type CommandOptions, type CommandOutcome, type Machine } from './oci-machine.ts';

/** State of a container as the specification has it (runtime.md#state). */
export interface OciState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A bundle on the machine of a runtime. */
export interface Bundle {
  readonly id: string;
  readonly path: string;
  readonly config: OciConfig;
}

let count = 0;

/** How long what ends by itself may take, in ms; bounds a failing test. */
const SETTLE_MS = 25_000;

/**
 * An OCI runtime under test: an outside program with runc's command line. All its containers have a state folder of their own, and
 * `verify` asserts that nothing of them is left.
 */
export class OciRuntime {
  /** `runc`, `crun`, `kihon-oci` ... */
  readonly name: string;
  readonly machine: Machine;
  readonly argv: readonly string[];
  /** What is given as `--root`. */
  readonly stateFolder: string;
  /** Begins every id, and so every cgroup. */
  readonly prefix = `kihon-conformance-${process.pid}`;
  readonly #containers = new Set<OciContainer>();

  constructor(name: string, machine: Machine, argv: readonly string[]) {
    this.name = name;
    this.machine = machine;
    this.argv = argv;
    this.stateFolder = join(machine.folder, 'state');
  }

  /** The runtime with `--root` and these arguments, to its end. */
  async command(args: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
    return await this.machine.command([...this.argv, '--root', this.stateFolder, ...args], options);
  }

  /** The same; fails unless it succeeds. */
  async succeed(args: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
    const outcome = await this.command(args, options);
    if (outcome.status !== 0)
      throw new Error(`${this.name} ${args.join(' ')}: exit ${outcome.status}: ${outcome.stdout}${outcome.stderr}`);
    return outcome;
  }

  /** Writes a bundle with a root file system of its own. */
  async bundle(run: string | readonly string[], edit: Edit = () => undefined): Promise<Bundle> {
    count += 1;
    const id = `${this.prefix}-${count}`;
    const path = join(this.machine.folder, `bundle-${count}`);
    const config = defaultConfig(id, run);
    edit(config);
    // Links: nobody writes to the programs, and everything else is made anew.
    await shell(this.machine, `mkdir -p ${path} && chmod 711 ${path} && cp -al ${this.machine.busybox} ${path}/rootfs`);
    await this.machine.write(join(path, 'config.json'), JSON.stringify(config));
    return { id, path, config };
  }

  /** `create`; the container is removed after the test, whatever happens. */
  async create(run: string | readonly string[], edit?: Edit, args: readonly string[] = []): Promise<OciContainer> {
    const container = new OciContainer(this, await this.bundle(run, edit));
    this.#containers.add(container);
    await container.create(args);
    return container;
  }

  /** A container object for a bundle; nothing is created yet. */
  async prepare(run: string | readonly string[], edit?: Edit): Promise<OciContainer> {
    const container = new OciContainer(this, await this.bundle(run, edit));
    this.#containers.add(container);
    return container;
  }

  /** `run`: from creation to removal. */
  async run(run: string | readonly string[], edit?: Edit, options: CommandOptions = {}): Promise<CommandOutcome> {
    const container = await this.prepare(run, edit);
    return await this.command(['run', '--bundle', container.bundle.path, container.id], options);
  }

  /** Expects that no container comes of a configuration: its error text. The program is not run, and the id is unknown. */
  async refusal(edit: Edit, run: string | readonly string[] = 'echo the program ran'): Promise<string> {
    const container = await this.prepare(run, edit);
    const created = await this.command(['create', '--bundle', container.bundle.path, container.id]);
    if (created.status === 0) {
      // The remaining properties of `process` may be applied at start (runtime.md#create).
      const started = await this.command(['start', container.id]);
      if (started.status === 0)
        throw new Error(`${this.name} accepted and started what it should refuse: ${container.bundle.path}`);
      return started.stderr;
    }
    expect(created.stdout).not.toContain('the program ran');
    expect((await this.command(['state', container.id])).status, 'state of a refused container').not.toBe(0);
    return created.stderr;
  }

  /** Removes what tests left, and asserts that no process, cgroup, mount or state of any container stays. */
  async verify(): Promise<void> {
    for (const container of this.#containers) {
      await this.command(['delete', '--force', container.id]).catch(() => undefined);
      this.#containers.delete(container);
    }
    try {
      await eventually(async () => expect(await this.#residue()).toBe(''), SETTLE_MS);
    } catch (error) {
      // What this test left is not the next one's fault.
      await this.#end();
      throw error;
    } finally {
      await shell(this.machine, `rm -rf ${this.machine.folder}/bundle-* ${this.stateFolder}/*`);
    }
  }

  /** Kills what is left in cgroups of containers, and takes those away. */
  async #end(): Promise<void> {
    await shell(
      this.machine,
      `
      for f in $(grep -sl ${this.prefix}- /proc/[0-9]*/cgroup); do
        p=\${f%/cgroup}
        [ $p = /proc/$$ ] || kill -KILL \${p#/proc/} 2>/dev/null
      done
      for d in /sys/fs/cgroup/${this.prefix}-* /sys/fs/cgroup/*/${this.prefix}-*; do
        for try in 1 2 3 4 5 6 7 8 9; do [ ! -d "$d" ] || rmdir "$d" 2>/dev/null || sleep 1; done
      done
      true`,
    );
  }

  async #residue(): Promise<string> {
    const { prefix, stateFolder } = this;
    const { folder } = this.machine;
    return await shell(
      this.machine,
      `
      for f in $(grep -sl ${prefix}- /proc/[0-9]*/cgroup); do
        p=\${f%/cgroup}
        # Whom its parent has not reaped yet is no matter of the runtime's.
        grep -qs '^State:.Z' $p/status || [ ! -e $p ] || [ $p = /proc/$$ ] || echo "process $p $(sed -n 's/^State:.//p' $p/status) $(tr '\\0' ' ' <$p/cmdline)"
      done
      for d in /sys/fs/cgroup/${prefix}-* /sys/fs/cgroup/*/${prefix}-*; do [ -d "$d" ] && echo "cgroup $d"; done
      grep -s " ${folder}" /proc/self/mountinfo | sed 's/^/mount /'
      for d in ${stateFolder}/*; do [ -e "$d" ] && echo "state $d"; done
      true`,
    );
  }
}

/** A container of a runtime under test. */
export class OciContainer {
  readonly runtime: OciRuntime;
  readonly bundle: Bundle;

  constructor(runtime: OciRuntime, bundle: Bundle) {
    this.runtime = runtime;
    this.bundle = bundle;
  }

  get id(): string {
    return this.bundle.id;
  }

  /** `create`. The container's streams are files in the bundle. */
  async create(args: readonly string[] = []): Promise<void> {
    const { path } = this.bundle;
    const command = [...this.runtime.argv, '--root', this.runtime.stateFolder];
    const words = [...command, 'create', '--bundle', path, ...args, this.id].map(quote).join(' ');
    // The error text of the runtime lands in the same file as the container's.
    const script = `${words} >${path}/stdout 2>${path}/stderr </dev/null`;
    const { status } = await this.runtime.machine.command(['sh', '-c', script]);
    if (status !== 0) throw new Error(`${this.runtime.name} create: exit ${status}: ${await this.stderr()}`);
  }

  async start(): Promise<void> {
    await this.runtime.succeed(['start', this.id]);
  }

  async state(): Promise<OciState> {
    return JSON.parse((await this.runtime.succeed(['state', this.id])).stdout) as OciState;
  }

  async status(): Promise<string> {
    return (await this.state()).status;
  }

  async kill(signal: string): Promise<void> {
    await this.runtime.succeed(['kill', this.id, signal]);
  }

  async delete(): Promise<void> {
    await this.runtime.succeed(['delete', this.id]);
  }

  /** Waits until its program has ended. */
  async stopped(): Promise<void> {
    await eventually(async () => expect(await this.status()).toBe('stopped'), SETTLE_MS);
  }

  /** Kills it if need be, waits for its end and deletes it. */
  async end(): Promise<void> {
    await this.runtime.command(['kill', this.id, 'KILL']);
    await this.stopped();
    await this.delete();
  }

  /** What the program wrote so far. */
  async stdout(): Promise<string> {
    return await this.runtime.machine.read(join(this.bundle.path, 'stdout'));
  }

  async stderr(): Promise<string> {
    return await this.runtime.machine.read(join(this.bundle.path, 'stderr'));
  }

  /** `exec` of a script to its end. */
  async exec(script: string, options: readonly string[] = []): Promise<CommandOutcome> {
    return await this.runtime.command(['exec', ...options, this.id, '/bin/sh', '-c', script]);
  }

  /** `exec` with a process description (`--process`). */
  async execProcess(process: Record<string, unknown>): Promise<CommandOutcome> {
    const file = join(this.bundle.path, 'process.json');
    await this.runtime.machine.write(file, JSON.stringify({ ...this.bundle.config.process, ...process }));
    return await this.runtime.command(['exec', '--process', file, this.id]);
  }
}

/** A word for the shell. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
