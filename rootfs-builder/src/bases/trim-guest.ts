import type { FileTree } from '../tree/file-tree.ts';
import { TreeEditor } from '../tree/tree-editor.ts';

/** Folders of /usr/share that no program of a guest needs; osbuilder takes the same out. */
const SHARED = [
  'bash-completion',
  'bug',
  'doc',
  'info',
  'lintian',
  'locale',
  'man',
  'menu',
  'misc',
  'pixmaps',
  'terminfo',
  'zsh',
];
/** Folders that are emptied, as in osbuilder's trees: state of package managers and services, logs. The root is read-only. */
const EMPTIED = ['var/cache', 'var/lib', 'var/log', 'var/tmp', 'etc/apk/cache'];

/** Takes out what a guest does without: documentation, translations, state and caches; /var/tmp becomes a link to /tmp. */
export function trimGuest(tree: FileTree): void {
  const editor = new TreeEditor(tree);
  for (const name of SHARED) editor.remove(`usr/share/${name}`);
  for (const folder of EMPTIED) for (const child of editor.childrenOf(folder)) editor.remove(child);
  if (tree.get('var')?.kind === 'dir' && tree.get('tmp')?.kind === 'dir')
    editor.put({ path: 'var/tmp', kind: 'symlink', target: '../tmp', mode: 0o777, uid: 0, gid: 0 });
}
