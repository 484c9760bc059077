import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { identifyProcess, type ProcessIdentity } from './process-identity.ts';

/**
 * Runs in the child between fork and the real program. `setpriv` has asked the kernel for SIGKILL on the parent's death
 * (prctl(2), PR_SET_PDEATHSIG; kept over execve of an ordinary binary). A parent that died before that request is
 * noticed here, because the child then has another parent. The guard's own pid is exported for a program that forks and
 * has to repeat the check one level down.
 */
const GUARD_SCRIPT = '[ "$PPID" = "$1" ] || exit 125; shift; KIHON_GUARD_PID=$$; export KIHON_GUARD_PID; exec "$@"';

/** How a helper ended. */
export interface HelperExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that lives and dies with this process: QEMU, virtiofsd, vhost-device-vsock. */
export class HelperProcess {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly child: ChildProcess;
  /** Settles when the program has ended; never rejects. */
  readonly exited: Promise<HelperExit>;
  readonly #logPath: string;
  #exit: HelperExit | undefined;

  private constructor(name: string, child: ChildProcess, identity: ProcessIdentity, logPath: string) {
    this.name = name;
    this.child = child;
    this.identity = identity;
    this.#logPath = logPath;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /**
   * Starts `command`. Its stdout and stderr go to the file `logPath`; `extraPipes` more descriptors (3, 4, ...) become
   * socket pairs shared with this process. It has a session of its own, so that ctrl-C on the terminal reaches only us.
   *
   * @throws Error when the program cannot be started
   */
  static async start(options: {
    readonly command: readonly string[];
    readonly logPath: string;
    readonly extraPipes?: number;
    readonly env?: Readonly<Record<string, string>>;
  }): Promise<HelperProcess> {
    const { command, logPath } = options;
    const name = basename(command[0] ?? '');
    const log = openSync(logPath, 'a', 0o600);
    try {
      const extras = Array.from({ length: options.extraPipes ?? 0 }, () => 'pipe' as const);
      const stdio: StdioOptions = ['ignore', log, log, ...extras];
      const guard = ['--pdeathsig', 'KILL', '--', '/bin/sh', '-c', GUARD_SCRIPT, 'kihon-guard', String(process.pid)];
      const child = spawn('setpriv', [...guard, ...command], {
        stdio,
        detached: true,
        env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...options.env },
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.on('error', () => undefined);
      const pid = child.pid ?? 0;
      return new HelperProcess(name, child, identifyProcess(pid) ?? { pid, startTime: '' }, logPath);
    } finally {
      closeSync(log);
    }
  }

  /** How it ended, or undefined while it runs. */
  get exit(): HelperExit | undefined {
    return this.#exit;
  }

  /** The last lines it wrote, for an error message. */
  lastWords(lines = 3): string {
    try {
      return readFileSync(this.#logPath, 'utf8').trim().split('\n').slice(-lines).join('; ');
    } catch {
      return '';
    }
  }

  /** Asks it to end, and ends it after `graceMs`. Returns when it is gone. */
  async stop(graceMs = 0): Promise<void> {
    if (this.#exit !== undefined) return;
    if (graceMs > 0) {
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
      await this.exited;
      clearTimeout(timer);
      return;
    }
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** Text for a helper that ended when it should not have. */
export function describeExit(name: string, exit: HelperExit, lastWords: string): string {
  const how = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
  return lastWords === '' ? `${name} ended with ${how}` : `${name} ended with ${how}: ${lastWords}`;
}
