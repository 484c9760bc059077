import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const tsx = join(root, 'node_modules/.bin/tsx');

export interface EngineRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Builds an ELF whose program is `script` (TypeScript for the engine, not for Node) and runs it as root in a mount namespace
 * of its own, with an empty `/run` and an empty `/tmp`, so that nothing it mounts or makes outlives it.
 */
export function runInEngine(script: string, timeoutMs = 60_000): EngineRun {
  const directory = join(root, 'build/test/engine');
  mkdirSync(directory, { recursive: true });
  const program = join(directory, basename(script, '.ts'));
  execFileSync(tsx, [join(root, 'agent/build/build.ts'), '--entry', script, '--output', program], { stdio: 'pipe' });
  const setUp =
    'mount --make-rprivate / && mount -t tmpfs t /run && mount -t tmpfs t /tmp && exec /proc/self/fd/9';
  const run = spawnSync('unshare', ['--mount', 'sh', '-c', `exec 9<"$0"; ${setUp}`, program], {
    encoding: 'utf8',
    timeout: timeoutMs,
  });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}
