import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UNUSED_VARIABLES } from '../../../../rootfs-builder/src/osbuilder/unused-variables.ts';
import { repository } from '../../../support/repository.ts';

const page = readFileSync(join(repository, 'docs/osbuilder.md'), 'utf8');

/** What osbuilder 4.1.0 reads from its environment, and the switches of the agent's build. */
const VARIABLES = `
AGENT_INIT AGENT_BIN AGENT_VERSION AGENT_SOURCE_BIN AGENT_TARBALL AGENT_POLICY AGENT_POLICY_FILE SECCOMP SELINUX LIBC EXTRA_PKGS
KERNEL_MODULES_DIR MEASURED_ROOTFS CONFIDENTIAL_GUEST COCO_GUEST_COMPONENTS_TARBALL PAUSE_IMAGE_TARBALL GUEST_HOOKS_TARBALL ROOTFS_DIR
ROOTFS_ONLY BUILD_VARIANT NVIDIA_GPU_STACK KBUILD_SIGN_PIN OS_VERSION ARCH REPO_URL REPO_URL_X86_64 REPO_COMPONENTS DISTRO_REPO DNF_CONF
PKG_MANAGER USE_DOCKER USE_PODMAN DOCKER_RUNTIME IMAGE_REGISTRY GRACEFUL_EXIT DEBUG OSBUILDER_VERSION GOPATH INSIDE_CONTAINER INITRD_IMAGE
IMAGE FS_TYPE ROOT_FREE_SPACE BLOCK_SIZE IMAGE_SIZE_ALIGNMENT_MB SKIP_DAX_HEADER SKIP_ROOTFS_CHECK NSDAX_BIN USER GROUP DISTRO BUILD_METHOD
DRACUT_KVERSION ROOTFS_BUILD_DEST IMAGES_BUILD_DEST OSBUILDER_USE_CHRONIC INIT_DATA USE_DEVMAPPER INIT BINDIR`
  .trim()
  .split(/\s+/);

test('the page for people who come from osbuilder names each of its variables', () => {
  const missing = [...VARIABLES, ...Object.keys(UNUSED_VARIABLES)].filter((name) => !page.includes(`\`${name}`));
  expect(missing).toEqual([]);
});

test.each(['rootfs', 'image', 'initrd', 'list-distros', 'install-scripts', 'print-%'])(
  'and the target %s',
  (target) => {
    expect(page).toContain(`\`${target}\``);
  },
);

test.each([
  'rootfs.sh -a',
  'rootfs.sh -d',
  'rootfs.sh -l',
  'rootfs.sh -r',
  'initrd_builder.sh -o',
  'image_builder.sh -o',
])('and the option %s', (option) => expect(page).toContain(option));
