/** The guest boots with the kernel command lines that Kata 4.1.0 writes for each class of hypervisor, in a QEMU with that class's devices. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/src/base/scope.ts';
import { AgentClient } from '../../host/client/agent-client.ts';
import { architectureName } from '../../host/vm/architecture.ts';
import { HelperProcess } from '../../host/vm/helper-process.ts';
import type { GuestRoot } from '../../host/vm/guest-root.ts';
import { imageRoot } from '../../host/vm/inspect-image.ts';
import type { Machine } from '../../host/vm/machine.ts';
import { qemuArguments } from '../../host/vm/qemu-arguments.ts';
import { listenForReady } from '../../host/vm/ready-listener.ts';
import { dialVsock, startVsock } from '../../host/vm/vsock-transport.ts';
import { buildGuest } from '../../rootfs-builder/src/build/build-guest.ts';
import { parseRecipe } from '../../rootfs-builder/src/recipe/parse-recipe.ts';
import { products, releaseAgent } from '../support/repository.ts';
import { findKernel, hostTools } from '../support/vm/guest-assets.ts';

const API_PORT = 1024;
const READY_PORT = 1040;
const LIMIT_MS = 120_000;

/** What the QEMU class passes for x86_64, whatever the root is. */
const QEMU = [
  'tsc=reliable no_timer_check rcupdate.rcu_expedited=1 i8042.direct=1 i8042.dumbkbd=1 i8042.nopnp=1 i8042.noaux=1 noreplace-smp',
  'reboot=k cryptomgr.notests net.ifnames=0 pci=lastbus=0',
].join(' ');
const QEMU_END =
  'console=hvc0 console=hvc1 quiet panic=1 nr_cpus=1 selinux=0 scsi_mod.scan=none agent.cdh_api_timeout=50';
const SYSTEMD =
  'systemd.show_status=false systemd.unit=kata-containers.target systemd.mask=systemd-networkd.service systemd.mask=systemd-networkd.socket';
const BLOCK_ROOT = 'root=/dev/vda1 rootflags=data=ordered,errors=remount-ro ro rootfstype=ext4';

interface HostClass {
  readonly name: string;
  readonly machine: Machine;
  readonly root: 'initrd' | 'virtio-blk' | 'nvdimm';
  readonly commandLine: string;
}

const classes: readonly HostClass[] = [
  {
    name: 'QEMU with an image on an NVDIMM',
    machine: 'q35',
    root: 'nvdimm',
    commandLine: `${QEMU} root=/dev/pmem0p1 rootflags=dax,data=ordered,errors=remount-ro ro rootfstype=ext4 ${QEMU_END} ${SYSTEMD}`,
  },
  { name: 'QEMU with an initrd', machine: 'q35', root: 'initrd', commandLine: `${QEMU} ${QEMU_END}` },
  {
    name: 'Cloud Hypervisor',
    machine: 'q35',
    root: 'virtio-blk',
    commandLine: `${BLOCK_ROOT} panic=1 no_timer_check noreplace-smp iommu=pt quiet ${SYSTEMD}`,
  },
  {
    name: 'Firecracker',
    machine: 'microvm',
    root: 'virtio-blk',
    commandLine: `${BLOCK_ROOT} pci=off reboot=k panic=1 iommu=off net.ifnames=0 random.trust_cpu=on acpi=off 8250.nr_uarts=0 agent.log_vport=1025 ${SYSTEMD}`,
  },
];

/** The kernel that Kata gets where it was built, else the lean one. */
const kernel = findKernel('kata') ?? findKernel('lean');

describe.skipIf(kernel === undefined)('a guest started as Kata starts it', { timeout: LIMIT_MS * 2 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kihon-classes-'));
    const recipe = parseRecipe('base = "none"\n', join(folder, 'image.toml'), architectureName());
    const options = { cacheFolder: join(folder, 'cache'), defaultAgent: releaseAgent };
    await buildGuest({ recipe, kind: 'image', file: join(folder, 'image'), ...options });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const rootOf = (kind: HostClass['root']): GuestRoot =>
    kind === 'initrd'
      ? { kind, path: join(products, 'kihon-initrd.img') }
      : imageRoot(join(folder, 'image'), { attachment: kind });

  it.each(classes)('by $name answers and makes a sandbox', async ({ machine, root, commandLine }) => {
    await using scope = new Scope();
    const own = join(folder, 'vm');
    mkdirSync(own);
    scope.defer(() => rmSync(own, { recursive: true, force: true }));
    const { accelerator, qemuPath, vsock: choice } = await hostTools(architectureName());
    const vsock = await startVsock(choice, own, { timeoutMs: LIMIT_MS });
    scope.defer(() => vsock.helper?.stop());
    const ready =
      vsock.address.kind === 'hybrid' ? scope.use(await listenForReady(vsock.address.path, READY_PORT)) : undefined;
    const args = qemuArguments({
      ...{ machine, accelerator, vsock: vsock.backend, memoryMib: 512, cpus: 1, console: 'hvc0', share: undefined },
      ...{ kernel: kernel?.path ?? '', root: rootOf(root), qmpFd: 3, consoleFd: 4, extra: [] },
      // The only word of ours, in the place of a user's own: nobody may dial before the guest's driver is there.
      commandLine: `${commandLine} kihon.ready=${READY_PORT}`,
    });
    const logPath = join(own, 'qemu.log');
    const qemu = await HelperProcess.start({ command: [qemuPath, ...args], logPath, extraPipes: 2 });
    scope.defer(() => qemu.stop());
    let shown = '';
    qemu.child.stdio[4]?.on('data', (chunk) => (shown += String(chunk)));
    const ended = qemu.exited.then(() =>
      Promise.reject(new Error(`QEMU ended: ${qemu.lastWords()} ${shown.slice(-500)}`)),
    );
    ended.catch(() => undefined);
    await Promise.race([ready?.ready, ended]);
    const client = new AgentClient(await dialVsock(vsock.address, API_PORT, { timeoutMs: LIMIT_MS }));
    scope.defer(() => client.close());
    await client.check();
    await client.call('CreateSandbox', { sandbox_id: 'class', hostname: 'pod', storages: [] });
    const { agent_details: details } = await client.call('GetGuestDetails', {});
    expect(details?.init_daemon).toBe(true);
  });
});
