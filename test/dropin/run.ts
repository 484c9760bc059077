/**
 * kihon-oci in runc's place: real programs call it, each with a state of its own below one temporary directory.
 *
 *     npx tsx test/dropin/run.ts [AGENT]
 *
 * Takes root. What is not installed is skipped.
 */
import { existsSync } from 'node:fs';
import { checkContainerd, startContainerd } from './containerd.ts';
import { Checks } from './checks.ts';
import { checkDocker, startDocker } from './docker.ts';
import { makePlace } from './place.ts';
import type { Place } from './place.ts';
import { checkPodman } from './podman.ts';
import { haveAll } from './program.ts';

const agent = process.argv[2] ?? `build/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}/kihon-oci`;

/** One program's part; what it throws is its failure, not the end of the others. */
async function part(checks: Checks, name: string, programs: string[], body: () => Promise<void>): Promise<void> {
  if (!(await haveAll(programs))) {
    checks.skip(name, `needs ${programs.join(', ')}`);
    return;
  }
  try {
    await body();
  } catch (error) {
    checks.fail(name, error instanceof Error ? error.message : String(error));
  }
}

async function all(place: Place, checks: Checks): Promise<void> {
  await part(checks, 'podman', ['podman', 'conmon'], () => checkPodman(place, checks));
  await part(checks, 'containerd', ['containerd', 'ctr'], async () => {
    await using containerd = await startContainerd(place);
    await checkContainerd(place, containerd, checks);
    await part(checks, 'docker', ['dockerd', 'docker'], async () => {
      await using _daemon = await startDocker(place);
      await checkDocker(place, checks);
    });
  });
}

async function main(): Promise<void> {
  const checks = new Checks();
  if (process.getuid?.() !== 0) checks.skip('everything', 'takes root');
  else if (!existsSync(agent)) throw new Error(`${agent} is not there: make agent`);
  else {
    await using place = await makePlace(agent);
    await all(place, checks);
  }
  console.log(`${checks.passed} passed, ${checks.failed} failed, ${checks.skipped} skipped`);
  if (checks.failed > 0) process.exitCode = 1;
}

await main();
