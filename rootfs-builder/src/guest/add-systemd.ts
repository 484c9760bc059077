import { BuildError } from '../build-error.ts';
import type { AgentSpec } from '../recipe/recipe.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { followed } from '../tree/read-text.ts';
import { TreeEditor } from '../tree/tree-editor.ts';
import {
  EXTENSION_GENERATOR,
  EXTENSION_GENERATOR_SCRIPT,
  EXTENSION_MOUNT,
  EXTENSION_MOUNT_SCRIPT,
  EXTENSION_SERVICE,
  EXTENSION_UMOUNT,
  EXTENSION_UMOUNT_SCRIPT,
  EXTENSION_UNIT,
} from './extension-units.ts';
import { AGENT_TARGET, agentService, REMOUNT_LINE, TMP_MOUNT, UNIT_FOLDER, USELESS_NAMES } from './systemd-units.ts';

/** Programs of systemd, in the order in which they are looked for. */
const SYSTEMD_PLACES = ['usr/lib/systemd/systemd', 'lib/systemd/systemd'];

/** Path of systemd in the guest. Throws BuildError when the base has none. */
export function systemdPath(tree: FileTree): string {
  const found = SYSTEMD_PLACES.find((path) => followed(tree, path) !== undefined);
  if (found === undefined)
    throw new BuildError(
      'agent.init = "systemd": the base has no systemd; on Debian and Ubuntu add the package "init"',
    );
  return `/${found}`;
}

/** Units that start the agent, and the links that make systemd start them. */
export function addSystemd(tree: FileTree, agent: AgentSpec, configFile: string | undefined): void {
  const program = systemdPath(tree);
  const unit = (name: string): string => tree.locate(`${UNIT_FOLDER}/${name}`);
  if (agent.slim !== false) removeUseless(tree);
  const isConfidential = agent.confidential === true;
  tree.file(unit('kata-agent.service'), agentService(configFile));
  tree.file(unit('kata-containers.target'), isConfidential ? `${AGENT_TARGET}${REMOUNT_LINE}` : AGENT_TARGET);
  if (isConfidential) tree.file(tree.locate('etc/fstab'), 'tmpfs /run tmpfs nodev,nosuid,size=50% 0 0\n');
  // The guest comes up even where the command line does not name the target.
  link(tree, 'etc/systemd/system/basic.target.wants/kata-containers.target', `/${UNIT_FOLDER}/kata-containers.target`);
  link(tree, 'etc/systemd/system/kata-containers.target.wants/dbus.socket', `/${UNIT_FOLDER}/dbus.socket`);
  addExtensionUnits(tree, unit(EXTENSION_UNIT));
  const tmp = tree.locate('etc/systemd/system/tmp.mount');
  if (tree.get(tmp) === undefined) tree.file(tmp, TMP_MOUNT);
  const init = tree.locate('sbin/init');
  if (tree.get(init) === undefined) tree.symlink(init, program);
}

/** Guest extensions are mounted before the agent starts. */
function addExtensionUnits(tree: FileTree, unit: string): void {
  tree.file(unit, EXTENSION_SERVICE);
  const scripts = {
    [EXTENSION_MOUNT]: EXTENSION_MOUNT_SCRIPT,
    [EXTENSION_UMOUNT]: EXTENSION_UMOUNT_SCRIPT,
    [EXTENSION_GENERATOR]: EXTENSION_GENERATOR_SCRIPT,
  };
  for (const [path, text] of Object.entries(scripts)) tree.file(tree.locate(path), text, { mode: 0o755 });
}

function link(tree: FileTree, path: string, target: string): void {
  tree.symlink(tree.locate(path), target);
}

/** No udev, no journal: the agent sees to devices, and the console is the log. */
function removeUseless(tree: FileTree): void {
  const editor = new TreeEditor(tree);
  for (const { path } of tree.entries()) {
    if (path.includes('systemd') && USELESS_NAMES.has(path.slice(path.lastIndexOf('/') + 1))) editor.remove(path);
  }
}
