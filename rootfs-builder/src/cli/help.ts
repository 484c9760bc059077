/** Help texts by command; the empty name is the overview. */
export const HELP: Readonly<Record<'' | 'build' | 'osbuilder' | 'initrd' | 'busybox' | 'list', string>> = {
  '': `Builds what a Kihon guest boots and what its containers run on.

usage: rootfs-builder COMMAND [OPTIONS]

  build     an image, an initrd or a root tree from a recipe file
  osbuilder a target of Kata's osbuilder, with its environment variables
  initrd    a guest's initrd from the agent, a root tree, or both
  busybox   a small root file system for containers
  list      what is inside an initrd

\`rootfs-builder COMMAND --help\` explains one. Same input, same bytes: nothing of the building host gets into an image.
`,
  build: `Builds a guest from a recipe.

usage: rootfs-builder build image|initrd|rootfs RECIPE [OPTIONS]
       rootfs-builder build --list

  RECIPE            a TOML file, or the name of one that comes with the program
  --output FILE     final name (default: in this folder, named after recipe and format)
  --format FORMAT   instead of the recipe's
  --fresh           make everything anew; else what was made of the same inputs before is used again
  --explain         tell the steps and stop
  --list            recipes that come with the program, bases and formats
  --json            events as they happen and the result, one JSON document on a line

The image appears under its name when it is whole. docs/images.md says what a recipe may hold.
`,
  osbuilder: `Builds what a target of Kata's osbuilder makes, from its environment variables.

usage: [VARIABLE=VALUE...] rootfs-builder osbuilder rootfs|image|initrd[-DISTRO]
       rootfs-builder osbuilder list-distros

DISTRO, OS_VERSION, AGENT_INIT, EXTRA_PKGS, ROOTFS_DIR, FS_TYPE and others do what they do there; for a variable that has no
meaning here a line says why. docs/osbuilder.md has them all.
`,
  initrd: `Builds a guest's initrd: a cpio archive that the kernel unpacks into memory, and whose /init it runs.

usage: rootfs-builder initrd --agent FILE --output FILE [OPTIONS]

  --agent FILE            the agent's ELF; becomes /init
  --output FILE           where the initrd goes (written beside it first, then renamed)
  --root DIR              start from this directory instead of the bare root (it may bring its own /init)
  --owner keep|root       owners of what --root holds: as on the host, or all root (default keep)
  --file SRC:DST[:MODE]   put a host file or directory into the guest; may be repeated
  --modules DIR           a modular kernel's /lib/modules: its virtio, vsock and file system drivers go in, with what they
                          depend on, and the agent loads them at boot
  --kernel-release R      which of the kernels in --modules
  --module "NAME [P=V]"   one more module, with parameters; may be repeated
  --compress gzip|zstd|none  (default gzip; every Kata kernel unpacks that)
  --json                  print the result as JSON

SOURCE_DATE_EPOCH sets the time of all files (default 0). No root rights are needed: owners and devices are only data.

examples:
  rootfs-builder initrd --agent build/x86_64/kihon-agent --output build/x86_64/kihon-initrd.img
  rootfs-builder initrd --agent build/x86_64/kihon-agent --output initrd.img --modules /lib/modules --file ./agent.toml:/etc/agent.toml
`,
  busybox: `Makes a root file system for containers: a static busybox, its applets, and the usual files and directories.

usage: rootfs-builder busybox (--output DIR | --tar FILE) [OPTIONS]

  --output DIR      make this directory (it must not hold anything yet)
  --tar FILE        write a tar archive instead; needs no root rights
  --busybox FILE    the static busybox to use (default: the one set-up unpacked, else /bin/busybox)
  --json            print the result as JSON

example:
  rootfs-builder busybox --output build/busybox-root && kihon run build/busybox-root -- uname -a
`,
  list: `Lists what is inside an initrd, in archive order: mode, owner, size or device, name.

usage: rootfs-builder list FILE [--json]

gzip, zstd and uncompressed archives are told apart by their first bytes.
`,
};
