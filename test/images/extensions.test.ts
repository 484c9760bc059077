/** Guest extensions in a Debian with systemd: the units that every such guest has. Takes a mirror of Debian, the one of this host's apt. */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { architectureName } from '../../host/vm/architecture.ts';
import { imageRoot } from '../../host/vm/inspect-image.ts';
import { buildGuest } from '../../rootfs-builder/src/build/build-guest.ts';
import { parseRecipe } from '../../rootfs-builder/src/recipe/parse-recipe.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { products, releaseAgent } from '../support/repository.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { SANDBOX_STORAGES } from '../support/vm/vm-fixture.ts';

const kernel = join(products, 'vmlinux');
/** Where the file system of an extension begins: behind the partition table. */
const DATA_OFFSET = 1 << 20;

let folder = '';
beforeAll(async () => {
  if (!existsSync(kernel)) throw new Error(`no ${kernel}: make kernel`);
  folder = mkdtempSync(join(tmpdir(), 'kihon-extensions-'));
  mkdirSync(join(folder, 'cache'));
  const base = '{ kind = "debian", suite = "bookworm", packages = ["init", "dbus", "cryptsetup-bin"] }';
  const text = `base = ${base}\n[agent]\ninit = "systemd"\n[output]\nformat = "disk"\nfilesystem = "erofs"\n`;
  await build('guest', 'guest', text);
}, 1_200_000);
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

/** Builds an image in the folder and gives its kernel parameters. */
async function build(file: string, name: string, text: string): Promise<readonly string[]> {
  const recipe = parseRecipe(`name = "${name}"\n${text}`, join(folder, `${name}.toml`), architectureName());
  const options = { cacheFolder: join(folder, 'cache'), defaultAgent: releaseAgent };
  const built = await buildGuest({ recipe, kind: 'image', file: join(folder, file), ...options });
  return built.kernelParameters;
}

/** An extension with one file, and its kernel parameters. */
async function extension(file: string, isMeasured: boolean): Promise<readonly string[]> {
  const output = `[output]\nformat = "extension"\n${isMeasured ? `verity = "${file}"\n` : ''}`;
  const agent = '[agent]\ninit = "none"\nbinary = ""\n';
  return await build(file, 'tools', `base = "none"\n${agent}[[file]]\ntarget = "/tool"\ncontent = "a tool"\n${output}`);
}

async function boot(file: string, kernelParameters: readonly string[]): Promise<TestVm> {
  const path = join(folder, file);
  const disk = [
    ...['-blockdev', `driver=raw,node-name=extension0,read-only=on,file.driver=file,file.filename=${path}`],
    ...['-device', 'virtio-blk-pci,drive=extension0,serial=extension-tools'],
  ];
  const config = { root: imageRoot(join(folder, 'guest')), kernel, qemuArguments: disk };
  return await TestVm.boot({ machine: 'q35', kernelParameters, config });
}

async function look(vm: TestVm, script: string): Promise<string> {
  const client = await vm.connect();
  await client.call('CreateSandbox', { sandbox_id: 'extensions', storages: SANDBOX_STORAGES });
  const { stdout } = await TestContainer.run(client, {
    root: vm.root,
    run: script,
    mounts: [{ destination: '/guest', source: '/', type: 'bind', options: ['rbind', 'ro'] }],
  });
  return stdout;
}

describe('a guest extension', { timeout: 300_000 }, () => {
  it.each([
    ['measured', true, /^\/dev\/(mapper\/extension-tools|dm-0) /],
    ['not measured', false, /^\/dev\/vd[a-z]1 /],
  ])('that is %s is there before the agent is', async (_what, isMeasured, device) => {
    const parameters = await extension(`extension-${isMeasured}`, isMeasured);
    await using vm = await boot(`extension-${isMeasured}`, parameters);
    const shown = await look(
      vm,
      'cat /guest/run/kata-extensions/tools/tool; echo; grep kata-extensions /guest/proc/1/mounts',
    );
    const [tool, mounted = ''] = shown.trim().split('\n');
    expect(tool).toBe('a tool');
    expect(mounted).toMatch(device);
    expect(mounted).toMatch(/ \/run\/kata-extensions\/tools erofs ro,/);
    await vm.vm.powerOff();
  });

  it('is not asked for where no parameter names it', async () => {
    await extension('unused', true);
    await using vm = await boot('unused', []);
    expect(await look(vm, 'ls /guest/run | grep extensions')).toBe('');
    await vm.vm.powerOff();
  });

  it('that is not what was measured, or measured and not said to be, ends the guest', async () => {
    const parameters = await extension('changed', true);
    const [key = ''] = (parameters[0] ?? '').split('=');
    await expect(boot('changed', [key])).rejects.toThrow(/the VM ended|measured, but no parameters/);
    const fd = openSync(join(folder, 'changed'), 'r+');
    writeSync(fd, Uint8Array.of(255, 255), 0, 2, DATA_OFFSET + 1024);
    closeSync(fd);
    await expect(boot('changed', parameters)).rejects.toThrow(/the VM ended|cannot be mounted/);
  });
});
