import type { Option } from './arguments.ts';

/** Options before the name of a command. */
export const globalOptions: readonly Option[] = [
  {
    name: 'root',
    kind: 'text',
    value: 'DIR',
    about: 'directory of all state (/run/kihon-oci, or below $XDG_RUNTIME_DIR)',
  },
  { name: 'log', kind: 'text', value: 'FILE', about: 'append messages to this file as well' },
  { name: 'log-format', kind: 'text', value: 'FORMAT', about: 'of messages: text or json' },
  { name: 'debug', kind: 'flag', about: 'more messages' },
  {
    name: 'cgroup-manager',
    kind: 'text',
    value: 'NAME',
    about: 'cgroupfs, systemd, or disabled for containers without a cgroup',
  },
  { name: 'systemd-cgroup', kind: 'flag', about: 'have systemd make cgroups: --cgroup-manager systemd' },
  {
    name: 'rootless',
    kind: 'text',
    value: 'MODE',
    about: 'accepted and ignored: the rights at hand are seen by themselves',
  },
  { name: 'criu', kind: 'text', value: 'PATH', about: 'accepted and ignored' },
  { name: 'version', aliases: ['v'], kind: 'flag', about: 'show the version' },
  { name: 'help', aliases: ['h'], kind: 'flag', about: 'show this text' },
];
