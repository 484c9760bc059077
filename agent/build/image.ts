import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Parts of an image begin at a page of any architecture. */
const pageBytes = 64 << 10;

/** Where the build puts the OCI runtime: beside the agent, `kihon-agent-x` and `kihon-oci-x`. */
export function runtimePath(agent: string): string {
  const name = basename(agent);
  return join(
    dirname(agent),
    name.startsWith('kihon-agent') ? name.replace('kihon-agent', 'kihon-oci') : `${name}-oci`,
  );
}

/**
 * The OCI runtime: the agent's ELF and behind it the memory of a `kihon-oci` that has loaded its modules and read nothing else, from
 * which each start goes on (agent/engine/image.c). The ELF must be one that this machine can run.
 */
export function buildRuntime(agent: string, output: string): number {
  const made = spawnSync(agent, [], { argv0: 'kihon-oci-image', env: {}, maxBuffer: 256 << 20 });
  if (made.error !== undefined) throw made.error;
  if (made.status !== 0) throw new Error(`image of kihon-oci: exit ${String(made.status)}: ${made.stderr.toString()}`);
  const elf = readFileSync(agent);
  const padding = Buffer.alloc((pageBytes - (elf.length % pageBytes)) % pageBytes);
  const bytes = Buffer.concat([elf, padding, made.stdout]);
  writeFileSync(`${output}.tmp`, bytes);
  chmodSync(`${output}.tmp`, 0o755);
  renameSync(`${output}.tmp`, output);
  return bytes.length;
}
