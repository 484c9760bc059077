import { runHooks } from '../libcontainer/hooks/run-hooks.ts';
import type { LaunchContext } from '../libcontainer/types.ts';
import { specFromJson } from '../oci/from-json/spec-from-json.ts';
import type { ContainerDirectory } from './state/container-directory.ts';
import type { StoredState } from './state/stored-state.ts';

/** Runs the hooks of a point after creation. A failure of poststart is thrown; poststop, when the container is gone, only logs (runtime-spec, "Lifecycle"). */
export async function runLateHooks(
  context: LaunchContext,
  directory: ContainerDirectory,
  state: StoredState,
  point: 'poststart' | 'poststop',
): Promise<void> {
  if (!state.hooks[point]) return;
  const { value: spec } = specFromJson(directory.readConfig(), { bundle: state.bundle });
  const pid = point === 'poststop' ? 0 : (state.init?.pid ?? 0);
  await runHooks(context, spec, point, { id: state.id, bundle: state.bundle, pid });
}
