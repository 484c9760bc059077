import { O_CREAT, O_EXCL, O_WRONLY } from '../../../abi/constants.ts';
import { DomainError } from '../../../base/errors.ts';
import { isSysError } from '../../../base/sys-error.ts';
import { defaultSpecJson } from '../../../oci/default-spec.ts';
import { writeFile } from '../../../sys/file.ts';
import { getegid, geteuid } from '../../../sys/process.ts';
import { findCgroupRoot } from '../../../runtime/cgroup/find-root.ts';
import type { Command } from '../command.ts';
import { absolutePath } from '../settings.ts';

export const command: Command = {
  usage: '[options]',
  about: ['Writes a config.json that runs "sh" on a terminal in rootfs/. One that is there already is kept.'],
  options: [
    { name: 'bundle', aliases: ['b'], kind: 'text', value: 'DIR', about: 'where to write it (here)' },
    { name: 'rootless', kind: 'flag', about: 'for an ordinary user: with a user namespace' },
  ],
  operands: { least: 0, most: 0 },
  run: ({ options }) => {
    const path = `${absolutePath(options.text('bundle') ?? '.')}/config.json`;
    const hasCgroupNamespace = findCgroupRoot() === '/sys/fs/cgroup';
    const rootless = options.has('rootless') ? { uid: geteuid(), gid: getegid() } : undefined;
    const text = `${defaultSpecJson({ hasCgroupNamespace, rootless })}\n`;
    try {
      writeFile(path, text, { flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666 });
    } catch (error) {
      if (!isSysError(error, 'EEXIST')) throw error;
      throw new DomainError('already_exists', `file ${path} exists. Remove it first`, error);
    }
    return 0;
  },
};
