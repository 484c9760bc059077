import type { Edit } from '../../support/oci-bundle.ts';
import type { OciRuntime } from '../../support/oci-runtime.ts';

/** Where a guest has its only cgroup hierarchy. */
export const CGROUPS = '/sys/fs/cgroup';

/** Creates a container with `linux.resources` and reads files of its cgroup, without the last newline; then removes it. */
export async function limitsOf(
  runtime: OciRuntime,
  resources: Record<string, unknown>,
  files: readonly string[],
  edit: Edit = () => undefined,
): Promise<string[]> {
  const container = await runtime.create('sleep 100', (config) => {
    config.linux.resources = resources;
    edit(config);
  });
  const texts: string[] = [];
  for (const file of files) {
    const text = await runtime.machine.read(`${CGROUPS}/${container.id}/${file}`);
    texts.push(text.trimEnd());
  }
  await container.end();
  return texts;
}
