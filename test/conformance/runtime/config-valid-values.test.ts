import { expect } from 'vitest';
import type { OciConfig } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

/** Values of the wrong type or kind, each at one place. */
const wrong: readonly (readonly [string, (config: OciConfig) => void])[] = [
  ['process is a text', (config) => Object.assign(config, { process: 'sh' })],
  ['process.args is a text', (config) => Object.assign(config.process, { args: 'sh' })],
  ['process.args has a number', (config) => Object.assign(config.process, { args: ['/bin/true', 1] })],
  ['process.terminal is a text', (config) => Object.assign(config.process, { terminal: 'yes' })],
  ['process.user.uid is a text', (config) => Object.assign(config.process.user, { uid: '0' })],
  ['process.user.uid is beyond 32 bits', (config) => Object.assign(config.process.user, { uid: 2 ** 32 })],
  ['process.user.uid is a fraction', (config) => Object.assign(config.process.user, { uid: 0.5 })],
  ['process.env has a number', (config) => Object.assign(config.process, { env: [1] })],
  ['process.capabilities is a list', (config) => Object.assign(config.process, { capabilities: ['CAP_KILL'] })],
  ['root is a text', (config) => Object.assign(config, { root: 'rootfs' })],
  ['root.readonly is a text', (config) => Object.assign(config.root, { readonly: 'true' })],
  ['mounts is an object', (config) => Object.assign(config, { mounts: {} })],
  ['a mount is a text', (config) => Object.assign(config, { mounts: ['/proc'] })],
  ['mount options are a text', (config) => Object.assign(config.mounts[0]!, { options: 'ro' })],
  ['hostname is a number', (config) => Object.assign(config, { hostname: 1 })],
  ['linux is a list', (config) => Object.assign(config, { linux: [] })],
  ['linux.namespaces is an object', (config) => Object.assign(config.linux, { namespaces: {} })],
  ['linux.namespaces[].type is unknown', (config) => config.linux.namespaces.push({ type: 'nosuch' })],
  ['linux.rootfsPropagation is unknown', (config) => Object.assign(config.linux, { rootfsPropagation: 'sideways' })],
  ['linux.maskedPaths has a number', (config) => Object.assign(config.linux, { maskedPaths: [1] })],
  ['linux.sysctl has a number', (config) => Object.assign(config.linux, { sysctl: { 'net.core.somaxconn': 1 } })],
  ['linux.resources is a list', (config) => Object.assign(config.linux, { resources: [] })],
  ['linux.seccomp is a text', (config) => Object.assign(config.linux, { seccomp: 'default' })],
  ['hooks is a list', (config) => Object.assign(config, { hooks: [] })],
];

section('config.md#valid-values', ({ operation }) => {
  for (const [title, edit] of wrong)
    operation(`an error: ${title}`, async (runtime) => {
      expect(await runtime.refusal(edit)).not.toBe('');
    });
});
