import { readFile, stat } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import { stringify } from 'smol-toml';
import { ArchiveLoader } from '../archive/archive-loader.ts';
import { loadArchive } from '../bases/simple-bases.ts';
import { BuildError, describing } from '../build-error.ts';
import type { PackWriter } from '../cache/pack-writer.ts';
import { addFile } from '../initrd/add-file.ts';
import { addModules } from '../modules/add-modules.ts';
import type { FileEntry, Recipe } from '../recipe/recipe.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { scanDirectory } from '../tree/scan-directory.ts';
import { OSBUILDER_PATH, osbuilderYaml } from '../summary/osbuilder-yaml.ts';
import { TreeEditor } from '../tree/tree-editor.ts';
import { addChrony } from './add-chrony.ts';
import { addSystemd } from './add-systemd.ts';
import { finishGuest } from './finish-guest.ts';

/** Where the agent's options lie in the guest. */
const CONFIG_PATH = 'etc/kihon/agent.toml';
const POLICY_FOLDER = 'etc/kata-opa';
const HOOKS_FOLDER = 'usr/share/oci/hooks';

/** What a recipe is applied with. */
export interface ApplyContext {
  /** The agent's ELF file, or undefined for a guest without one. */
  readonly agent: string | undefined;
  readonly isInitrd: boolean;
  /** A root tree or an extension is no guest of its own. */
  readonly mustBoot: boolean;
  readonly pack: PackWriter;
  readonly sourceDateEpoch: number;
  readonly builderVersion: string;
  readonly packages: readonly string[];
  readonly distribution: { readonly name: string; readonly version: string };
  readonly signal?: AbortSignal;
}

/** What the guest's host must know. */
export interface AppliedRecipe {
  /** Words for the kernel's command line. */
  readonly kernelParameters: readonly string[];
  readonly notes: readonly string[];
}

/** Turns a base into the guest that a recipe asks for. Throws BuildError that names the part of the recipe. */
export async function applyRecipe(tree: FileTree, recipe: Recipe, context: ApplyContext): Promise<AppliedRecipe> {
  const init = recipe.agent.init ?? 'agent';
  const notes: string[] = [];
  const editor = new TreeEditor(tree);
  for (const path of recipe.removed) editor.remove(tree.locate(path));
  const loader = new ArchiveLoader(tree, context.pack);
  for (const { source } of recipe.archives) await loadArchive(loader, source, context.signal);
  context.pack.flush();

  const configFile = await addAgentFiles(tree, recipe);
  if (context.agent !== undefined)
    await addAgent(tree, context.agent, init === 'agent' ? 'sbin/init' : 'usr/bin/kata-agent');
  if (init === 'systemd') addSystemd(tree, recipe.agent, configFile);
  if (recipe.agent.chrony !== false) await addChrony(tree);
  notes.push(...(await addHooks(tree, recipe)));
  notes.push(...(await addRecipeModules(tree, recipe)));
  await addRecipeFiles(tree, recipe);
  addSummary(tree, recipe, context);
  finishGuest(tree, init, context.isInitrd, context.mustBoot);
  const isTold = init === 'systemd' || configFile === undefined;
  return { kernelParameters: isTold ? [] : [`agent.config_file=${configFile}`], notes };
}

async function addAgent(tree: FileTree, agent: string, path: string): Promise<void> {
  const place = tree.locate(path);
  new TreeEditor(tree).remove(place); // often a symlink to systemd
  await addFile(tree, { source: agent, path: place, mode: 0o755 });
}

/** Options and policy; gives the place of the options in the guest. */
async function addAgentFiles(tree: FileTree, { agent }: Recipe): Promise<string | undefined> {
  if (agent.policy !== undefined) {
    const name = basename(agent.policy);
    await addFile(tree, { source: agent.policy, path: `${POLICY_FOLDER}/${name}`, mode: 0o644 });
    if (name !== 'default-policy.rego') tree.symlink(tree.locate(`${POLICY_FOLDER}/default-policy.rego`), name);
  }
  const text = await configText(agent.config, agent.settings);
  if (text === undefined) return undefined;
  tree.file(tree.locate(CONFIG_PATH), text);
  return `/${CONFIG_PATH}`;
}

async function configText(
  file: string | undefined,
  settings: Readonly<Record<string, unknown>> | undefined,
): Promise<string | undefined> {
  if (file !== undefined) return await describing(`agent.config: read ${file}`, () => readFile(file, 'utf8'));
  return settings === undefined ? undefined : `${stringify(settings).trimEnd()}\n`;
}

async function addHooks(tree: FileTree, { hooks }: Recipe): Promise<string[]> {
  if (hooks === undefined) return [];
  const folder = hooks.path ?? HOOKS_FOLDER;
  for (const point of ['prestart', 'poststart', 'poststop'] as const) {
    for (const source of hooks[point] ?? [])
      await addFile(tree, { source, path: posix.join(folder, point, basename(source)), mode: 0o755 });
  }
  return [`hooks: Kata runs them with guest_hook_path = "/${folder}"`];
}

async function addRecipeModules(tree: FileTree, { modules }: Recipe): Promise<string[]> {
  if (modules === undefined) return [];
  if (modules.all === true) {
    await scanDirectory(tree, modules.directory, tree.locate('lib/modules'), { owner: 'root' });
    return [];
  }
  const { directory, release, names } = modules;
  const added = await addModules(tree, {
    directory,
    ...(release === undefined ? {} : { release }),
    ...(names === undefined ? {} : { extra: names }),
  });
  return added.absent.length === 0 ? [] : [`modules: not in ${added.release}: ${added.absent.join(' ')}`];
}

async function addRecipeFiles(tree: FileTree, recipe: Recipe): Promise<void> {
  const editor = new TreeEditor(tree);
  for (const { target, mode, owner } of recipe.directories) {
    const path = tree.locate(target);
    const before = tree.get(path);
    if (before !== undefined && before.kind !== 'dir')
      throw new BuildError(`directory /${target}: a ${before.kind} is there already`);
    tree.dir(path, { mode: mode ?? before?.mode ?? 0o755, ...owner });
  }
  for (const file of recipe.files) await addRecipeFile(tree, file);
  for (const { target, to } of recipe.symlinks) {
    const path = tree.locate(target);
    if (tree.get(path)?.kind === 'dir' && editor.childrenOf(path).length > 0)
      throw new BuildError(`symlink /${target}: a directory that is not empty is there already`);
    editor.remove(path);
    tree.symlink(path, to);
  }
}

async function addRecipeFile(tree: FileTree, file: FileEntry): Promise<void> {
  const { target, source, content, mode, owner } = file;
  const place = tree.locate(target);
  const before = tree.get(place);
  if (source === undefined) {
    tree.file(place, content ?? '', { mode: mode ?? 0o644, ...owner });
    return;
  }
  const stats = await describing(`file /${target}: read ${source}`, () => stat(source));
  if (before !== undefined && before.kind !== 'dir') new TreeEditor(tree).remove(place);
  if (before?.kind === 'dir' && !stats.isDirectory())
    throw new BuildError(`file /${target}: a directory is there already`);
  await addFile(tree, { source, path: place, ...(mode === undefined ? {} : { mode }) });
  const after = tree.get(place);
  if (owner !== undefined && after?.kind === 'file') tree.content(place, after.content, { ...after, ...owner });
  else if (owner !== undefined && after?.kind === 'dir') tree.dir(place, { ...after, ...owner });
}

function addSummary(tree: FileTree, recipe: Recipe, context: ApplyContext): void {
  const extra = recipe.base.packages ?? [];
  const text = osbuilderYaml({
    version: context.builderVersion,
    sourceDateEpoch: context.sourceDateEpoch,
    architecture: recipe.architecture,
    distribution: context.distribution,
    packages: { default: context.packages.filter((name) => !extra.includes(name)), extra },
    agent: { name: 'kata-agent', version: context.builderVersion, isInit: (recipe.agent.init ?? 'agent') === 'agent' },
  });
  const path = tree.locate(OSBUILDER_PATH);
  if (tree.get(path)?.kind !== 'dir') tree.file(path, text);
}
