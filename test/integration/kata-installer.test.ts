/** The installer's DaemonSet as a kubelet would run it: its container, with the mounts, rights and hooks of the manifest, by our own runtime. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installerManifest } from '../../host/kata/kubernetes/installer.ts';
import { eventually } from '../support/eventually.ts';
import { mount, type OciConfig } from '../support/oci-bundle.ts';
import type { CommandOutcome } from '../support/oci-machine.ts';
import type { OciContainer } from '../support/oci-runtime.ts';
import { useOwnRuntime } from '../support/own-runtime.ts';
import { repository } from '../support/repository.ts';

const PREFIX = '/opt/kata';
const DEFAULTS = 'share/defaults/kata-containers';
const SHARE = 'share/kata-containers';
const script = readFileSync(join(repository, 'host/kata/kubernetes/install-node.sh'), 'utf8');
const fixture = useOwnRuntime();

/** What of a DaemonSet the container comes from. */
interface PodSpec {
  readonly containers: readonly [
    {
      readonly command: string[];
      readonly env: readonly { name: string; value?: string }[];
      readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: string[] } } };
      readonly securityContext: {
        readonly allowPrivilegeEscalation: boolean;
        readonly readOnlyRootFilesystem: boolean;
        readonly capabilities: { readonly add: readonly string[] };
      };
      readonly volumeMounts: readonly { name: string; mountPath: string; readOnly?: boolean }[];
    },
  ];
  readonly volumes: readonly { name: string; hostPath?: { path: string } }[];
}

const objects = installerManifest({ image: 'x', namespace: 'n', prefix: PREFIX, script });
const { spec } = (objects.at(-1) as { spec: { template: { spec: PodSpec } } }).spec.template;
const [installer] = spec.containers;

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Every file and link below a folder, with what it says; folders end with a slash. */
function listing(root: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name } of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, name);
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) Object.assign(found, { [`${path}/`]: '' }, listing(root, path));
    else found[path] = stat.isSymbolicLink() ? 'link' : readFileSync(join(root, path), 'utf8');
  }
  return found;
}

/** A node with Kata and containerd, and an image of the installer with a payload; curl writes down what it is asked. */
class Node {
  readonly folder: string;
  readonly kata: string;
  readonly containerd: string;

  constructor(name: string) {
    this.folder = join(fixture.machine.folder, name);
    this.kata = join(this.folder, 'kata');
    this.containerd = join(this.folder, 'containerd');
    write(join(this.kata, DEFAULTS, 'configuration-qemu.toml'), '[hypervisor.qemu]\nimage = "/i"\n');
    write(join(this.kata, SHARE, 'vmlinux.container'), 'the kernel of Kata');
    write(join(this.containerd, 'config.toml'), 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n');
    write(join(this.folder, 'configmap/install-node.sh'), script);
    for (const file of ['token', 'ca.crt']) write(join(this.folder, 'account', file), file);
    mkdirSync(join(this.folder, 'calls'));
    this.payload('1');
  }

  /** The image's payload: a version of our guest, and a file under a name of Kata's. */
  payload(version: string): void {
    const root = join(this.folder, `payload-${version}`, PREFIX);
    write(join(root, 'bin/kihon'), `command ${version}`);
    write(join(root, SHARE, `vmlinux-${version}-kihon`), `kernel ${version}`);
    symlinkSync(`vmlinux-${version}-kihon`, join(root, SHARE, 'vmlinux-kihon.container'));
    write(join(root, SHARE, 'vmlinux.container'), 'ours under the name of another');
    write(join(root, DEFAULTS, 'runtimes/kata-kihon-qemu/config.d/50-kihon.toml'), '[hypervisor.qemu]\n');
  }

  get calls(): string {
    const file = join(this.folder, 'calls/curl');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** The container's configuration, from the manifest. */
  edit(version: string, more: (config: OciConfig) => void = () => undefined): (config: OciConfig) => void {
    const hosts: Readonly<Record<string, string>> = {
      kata: this.kata,
      containerd: this.containerd,
      script: join(this.folder, 'configmap'),
    };
    return (config) => {
      const { securityContext, env, volumeMounts } = installer;
      const rights = securityContext.capabilities.add.map((name) => `CAP_${name}`);
      config.process.capabilities = { bounding: rights, effective: rights, permitted: rights };
      config.process.noNewPrivileges = !securityContext.allowPrivilegeEscalation;
      config.root.readonly = securityContext.readOnlyRootFilesystem;
      const variables = env.map(({ name, value = 'node-1' }) => `${name}=${value}`);
      config.process.env = ['PATH=/image:/bin:/sbin:/usr/bin', ...variables, 'KUBERNETES_SERVICE_HOST=10.0.0.1'];
      const bind = (to: string, from: string, isReadOnly: boolean): void =>
        void config.mounts.push(mount(to, 'bind', from, 'rbind', isReadOnly ? 'ro' : 'rw'));
      for (const { name, mountPath, readOnly = false } of volumeMounts) bind(mountPath, hosts[name] ?? '', readOnly);
      bind('/payload', join(this.folder, `payload-${version}`), true);
      bind('/var/run/secrets/kubernetes.io/serviceaccount', join(this.folder, 'account'), true);
      bind('/calls', join(this.folder, 'calls'), false);
      const image = join(this.folder, 'image');
      write(join(image, 'curl'), '#!/bin/sh\necho "$*" >>/calls/curl\n');
      chmodSync(join(image, 'curl'), 0o755);
      bind('/image', image, true);
      more(config);
    };
  }

  /** Starts the pod and waits until it has labelled the node. */
  async start(version: string): Promise<OciContainer> {
    const before = this.calls;
    const container = await fixture.runtime.create(installer.command, this.edit(version));
    await container.start();
    await eventually(async () => {
      expect([this.calls.slice(before.length), await container.stdout(), await container.stderr()].join('\n')).toMatch(
        /"true"/,
      );
    }, 20_000);
    return container;
  }

  /** Ends the pod as a kubelet does: the hook, then SIGTERM. */
  async stop(container: OciContainer): Promise<CommandOutcome> {
    const outcome = await container.execProcess({ args: installer.lifecycle.preStop.exec.command });
    await container.kill('TERM');
    await container.stopped();
    await container.delete();
    return outcome;
  }
}

describe('the installer’s pod', { timeout: 240_000 }, () => {
  it('brings the guest with the rights it has, labels the node, and takes everything away when it goes', async () => {
    const node = new Node('a');
    const before = { kata: listing(node.kata), containerd: listing(node.containerd) };
    const pod = await node.start('1');
    const installed = listing(node.kata);
    expect(installed[`${SHARE}/vmlinux-1-kihon`]).toBe('kernel 1');
    expect(installed[`${SHARE}/vmlinux-kihon.container`]).toBe('link');
    // Kata's own kernel stays, though the payload has a file of that name.
    expect(installed[`${SHARE}/vmlinux.container`]).toBe('the kernel of Kata');
    expect(installed[`${DEFAULTS}/runtimes/kata-kihon-qemu/configuration.toml`]).toContain('image = "/i"');
    expect(listing(node.containerd)['conf.d/kihon.toml']).toContain('runtimes.kata-kihon-qemu]');
    expect(node.calls).toContain('{"metadata":{"labels":{"kihon/installed":"true"}}}');
    expect(node.calls).toContain('https://10.0.0.1:443/api/v1/nodes/node-1');
    expect(await node.stop(pod)).toMatchObject({ status: 0 });
    expect(node.calls).toContain('{"kihon/installed":null}');
    expect({ kata: listing(node.kata), containerd: listing(node.containerd) }).toEqual(before);
  });

  it('of a newer version leaves nothing of the older one, whether that went in order or was killed', async () => {
    const node = new Node('b');
    const old = await node.start('1');
    await old.end();
    node.payload('2');
    const pod = await node.start('2');
    const installed = listing(node.kata);
    expect(installed[`${SHARE}/vmlinux-2-kihon`]).toBe('kernel 2');
    expect(installed[`${SHARE}/vmlinux-1-kihon`]).toBeUndefined();
    expect(await node.stop(pod)).toMatchObject({ status: 0 });
    expect(Object.keys(listing(node.kata)).filter((path) => path.includes('kihon'))).toEqual([]);
  });

  it('that is killed at any step is put right by the next one', async () => {
    const node = new Node('c');
    const before = listing(node.kata);
    let kills = 0;
    // Each command that changes the node, one after the other, is the last that the installer runs.
    for (let step = 1; step < 60; step += 2) {
      const killer = `#!/bin/sh
n=$(cat /calls/steps 2>/dev/null || echo 0); n=$((n + 1)); echo $n >/calls/steps
[ $n -lt ${step} ] || { kill -9 -1; exit 1; }
exec /bin/busybox "\${0##*/}" "$@"
`;
      writeFileSync(join(node.folder, 'calls/steps'), '0');
      const wrap = node.edit('1', (config) => {
        for (const name of ['cp', 'mv', 'rm', 'mkdir']) {
          write(join(node.folder, 'image', name), killer);
          chmodSync(join(node.folder, 'image', name), 0o755);
        }
        // This shell has these commands built in, so they are called by their paths.
        write(join(node.folder, 'killed/install-node.sh'), script.replace(/\b(cp|mv|rm|mkdir) -/g, '/image/$1 -'));
        config.mounts.push(mount('/killed', 'bind', join(node.folder, 'killed'), 'rbind', 'ro'));
        // All but PID 1 can be killed from within, so that is another shell, which then ends too.
        config.process.args = ['/bin/sh', '-c', '/bin/sh /killed/install-node.sh install & wait'];
      });
      const calls = node.calls;
      const container = await fixture.runtime.create(installer.command, wrap);
      await container.start();
      await eventually(async () => {
        const isStopped = (await container.status()) === 'stopped';
        expect(isStopped || node.calls !== calls).toBe(true);
      }, 20_000);
      const wasKilled = node.calls === calls;
      await container.end();
      for (const name of ['cp', 'mv', 'rm', 'mkdir'])
        writeFileSync(join(node.folder, 'image', name), `#!/bin/sh\nexec /bin/busybox ${name} "$@"\n`);
      if (!wasKilled) break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(5);
    const pod = await node.start('1');
    const installed = listing(node.kata);
    expect(installed[`${SHARE}/vmlinux-1-kihon`]).toBe('kernel 1');
    expect(installed[`${SHARE}/vmlinux.container`]).toBe('the kernel of Kata');
    expect(await node.stop(pod)).toMatchObject({ status: 0 });
    expect(listing(node.kata)).toEqual(before);
  });
});
