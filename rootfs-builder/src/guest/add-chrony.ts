import type { FileTree } from '../tree/file-tree.ts';
import { readText } from '../tree/read-text.ts';

const CONFIGURATIONS = ['etc/chrony/chrony.conf', 'etc/chrony.conf'];
const UNITS = ['lib', 'usr/lib'].flatMap((folder) =>
  ['chrony', 'chronyd'].map((name) => `${folder}/systemd/system/${name}.service`),
);

/** The clock of the host as the hypervisor offers it (PTP_1588_CLOCK_KVM), and leave to jump to it after a pause. */
const CLOCK = `refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0
makestep 1 -1
`;

/** Makes chrony, where it is installed, take the time from the host's clock device instead of the network. */
export async function addChrony(tree: FileTree): Promise<void> {
  for (const path of CONFIGURATIONS) {
    const text = await readText(tree, path);
    if (text === undefined || text.includes('refclock PHC /dev/ptp0')) continue;
    const silent = text.replace(/^(?=(server|pool|peer)\b)/gm, '# ');
    tree.file(tree.locate(path), `${silent}${silent.endsWith('\n') ? '' : '\n'}${CLOCK}`);
  }
  for (const path of UNITS) {
    const text = await readText(tree, path);
    if (text !== undefined) tree.file(tree.locate(path), chronyUnit(text));
  }
}

/** The unit for a guest whose root is read-only and which may have no such clock. */
export function chronyUnit(text: string): string {
  const lines = text.split('\n').flatMap((line) => {
    if (/^(User|StateDirectory|LogsDirectory)=/.test(line)) return [];
    if (line.startsWith('ExecStart=')) return [line.replace(/ -u +[\w.-]+/, '')]; // the user need not exist in the guest
    if (/^(ReadWritePaths|BindPaths)=/.test(line))
      return [line.replace(/(?<=[= ])\/var\/lib\/chrony/g, '-/var/lib/chrony')];
    return [line];
  });
  const condition = 'ConditionPathExists=/dev/ptp0';
  if (lines.includes(condition)) return lines.join('\n');
  const unit = lines.indexOf('[Unit]');
  return [...lines.slice(0, unit + 1), condition, ...lines.slice(unit + 1)].join('\n');
}
