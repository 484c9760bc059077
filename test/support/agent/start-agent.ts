import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentClient } from '../../../host/client/agent-client.ts';
import { atExit } from '../at-exit.ts';
import { eventually, within } from '../eventually.ts';
import { releaseAgent } from '../repository.ts';
import { CgroupHome } from './cgroup-home.ts';
import { childrenOf } from './kernel-view.ts';

/** How to run the agent. */
export interface AgentOptions {
  /** The ELF; default the released one. */
  readonly elf?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Soft and hard limit of open files. */
  readonly openFiles?: number;
  /** A folder that the agent sees as `/run/kata-containers/shared/containers`, as if virtio-fs brought it. */
  readonly share?: string;
  /** Listen on an abstract address instead of a path. Node 20 cannot connect to it. */
  readonly isAbstract?: boolean;
  /** A pid namespace of its own, in which the agent is not PID 1. */
  readonly hasPidNamespace?: boolean;
  /** A network namespace of its own, with nothing but loopback. */
  readonly hasNetworkNamespace?: boolean;
  /** Shell text run in the agent's mount namespace before it. */
  readonly prepare?: string;
}

/** How long the agent may take to listen, in ms; it needs 5. Bounds a failing test on a busy machine. */
const START_DEADLINE_MS = 30_000;
/** How long it may take to end. */
const STOP_DEADLINE_MS = 30_000;
/** Log kept per agent, in bytes; the beginning is dropped. */
const MAX_LOG_BYTES = 4 << 20;

/**
 * Prepares the mount namespace: `/run` and the cgroup root are the agent's own. $1 cgroup, $2 share, $3 limit of open files,
 * $4 its own preparation, $5 `pid` for a pid namespace; then the command. `exec` keeps the process number.
 */
const NAMESPACE_SCRIPT = `
set -e
cgroup=$1 share=$2 files=$3 prepare=$4 pid=$5
shift 5
echo $$ > "$cgroup/agent/cgroup.procs"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/cgroup
mount --bind "$cgroup" /run/cgroup
umount --lazy --recursive /sys/fs/cgroup
mount --move /run/cgroup /sys/fs/cgroup
rmdir /run/cgroup
if [ -n "$share" ]; then
  mkdir -p /run/kata-containers/shared/containers
  mount --bind "$share" /run/kata-containers/shared/containers
fi
eval "$prepare"
if [ -n "$files" ]; then ulimit -n "$files"; fi
if [ "$pid" = pid ]; then
  "$@" &
  agent=$!
  trap 'kill -TERM $agent' TERM
  trap 'kill -INT $agent' INT
  status=129
  while kill -0 $agent 2>/dev/null; do wait $agent && status=0 || status=$?; done
  exit $status
fi
exec "$@"
`;

/** The agent under test: an ordinary process in a mount namespace of its own. */
export class AgentProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  /** A folder of this agent's own, outside every namespace. Removed at the end. */
  readonly folder: string;
  readonly cgroup: CgroupHome;
  readonly options: AgentOptions;
  readonly #socket: string;
  readonly #exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #clients = new Set<AgentClient>();
  readonly #leaveExit: () => void;
  #log = '';
  #hasExited = false;
  #pid: number | undefined;

  constructor(options: AgentOptions) {
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'kihon-agent-'));
    this.cgroup = new CgroupHome();
    this.#socket = join(this.folder, 'agent.sock');
    const server = `unix://${options.isAbstract === true ? '@' : ''}${this.#socket}`;
    const inNamespace = ['sh', '-c', NAMESPACE_SCRIPT, 'sh', this.cgroup.path, options.share ?? ''];
    const limits = [options.openFiles?.toString() ?? '', options.prepare ?? '', options.hasPidNamespace ? 'pid' : ''];
    const pidNamespace = options.hasPidNamespace ? ['--pid', '--fork', '--kill-child', '--mount-proc'] : [];
    const network = options.hasNetworkNamespace === true ? ['--net'] : [];
    this.child = spawn(
      'unshare',
      [
        ...['--mount', '--propagation', 'private', ...network, ...pidNamespace, '--'],
        ...[...inNamespace, ...limits, options.elf ?? releaseAgent, ...(options.args ?? [])],
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        cwd: '/',
        env: { PATH: process.env['PATH'], KATA_AGENT_SERVER_ADDR: server, ...options.env },
      },
    );
    const append = (chunk: Buffer): void => {
      this.#log = `${this.#log}${chunk.toString('latin1')}`.slice(-MAX_LOG_BYTES);
    };
    this.child.stdout?.on('data', append);
    this.child.stderr?.on('data', append);
    this.#exited = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        this.#hasExited = true;
        resolve({ code, signal });
      });
    });
    this.#exited.catch(() => undefined);
    this.#leaveExit = atExit(() => this.#abandon());
  }

  /** What it wrote to its standard streams so far. */
  get log(): string {
    return this.#log;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Process number of the agent itself. */
  get pid(): number {
    if (this.options.hasPidNamespace !== true) return this.child.pid as number;
    this.#pid ??= this.#findInPidNamespace();
    return this.#pid;
  }

  #findInPidNamespace(): number {
    const shell = childrenOf(this.child.pid as number)[0];
    const agent = shell && childrenOf(shell.pid)[0];
    if (agent === undefined) throw new Error('the agent does not run');
    return agent.pid;
  }

  /** A path of the agent's mount namespace as this process can open it. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** A new raw connection. While the queue of the listening socket is full the kernel says EAGAIN: then again. */
  async dial(): Promise<Socket> {
    const end = performance.now() + START_DEADLINE_MS;
    for (;;) {
      try {
        return await this.#dialOnce();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > end) throw error;
      }
      await sleep(1);
    }
  }

  async #dialOnce(): Promise<Socket> {
    const socket = connect({ path: this.#socket, allowHalfOpen: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return socket;
  }

  /** A new connection with a client on it. */
  async connect(): Promise<AgentClient> {
    const client = new AgentClient(await this.dial());
    this.#clients.add(client);
    return client;
  }

  /** Waits until the agent serves. Its socket appears last, so the first connection that is accepted is the sign. */
  async ready(): Promise<void> {
    const end = performance.now() + START_DEADLINE_MS;
    for (;;) {
      if (this.#hasExited) throw new Error(`the agent ended before it listened:\n${this.#log}`);
      try {
        await this.#tryReady();
        return;
      } catch (error) {
        if (performance.now() > end) throw new Error(`the agent does not listen:\n${this.#log}`, { cause: error });
      }
      await sleep(5);
    }
  }

  async #tryReady(): Promise<void> {
    if (this.options.isAbstract !== true) (await this.dial()).destroy();
    else if (!readFileSync('/proc/net/unix', 'latin1').includes(` @${this.#socket}\n`))
      throw new Error('not there yet');
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Waits for its end and returns the exit status as a shell gives it. */
  async exit(): Promise<number> {
    const { code, signal } = await within(STOP_DEADLINE_MS, 'the end of the agent', this.#exited);
    return code ?? 128 + (signal === 'SIGKILL' ? 9 : signal === 'SIGABRT' ? 6 : signal === 'SIGSEGV' ? 11 : 0);
  }

  /** Asks it to end and returns its exit status. What it leaves behind can be looked at until it is disposed of. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (!this.#hasExited) this.signal(name);
    return await this.exit();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    this.child.kill('SIGKILL');
    await this.cgroup.remove();
    await this.#exited.catch(() => undefined);
    this.#leaveExit();
    await eventually(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** The test process ends: leaves nothing, without waiting. */
  #abandon(): void {
    this.cgroup.removeNow();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts the agent and waits until it serves. */
export async function startAgent(options: AgentOptions = {}): Promise<AgentProcess> {
  if (options.share !== undefined) mkdirSync(options.share, { recursive: true });
  const agent = new AgentProcess(options);
  try {
    await agent.ready();
    return agent;
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
}
