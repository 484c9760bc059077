# Packages of this machine's own Debian suites that get installed. Sourced by install.sh.

case $(uname -m) in
  x86_64) qemu_package=qemu-system-x86 ;;
  aarch64) qemu_package=qemu-system-arm ;;
  *) qemu_package=qemu-system-x86 ;;
esac

base_packages=(
  gcc libc6-dev make musl-tools linux-libc-dev # the engine and the agent's ELF
  linux-libc-dev-arm64-cross                   # aarch64 system call numbers and structs
  linux-libc-dev-armhf-cross                   # 32-bit ARM system call numbers, for filters on aarch64
  "$qemu_package" seabios ipxe-qemu            # the VM; qemu-system-common brings virtiofsd
  cpio zstd xz-utils                           # initrd and module compression
  e2fsprogs xfsprogs                           # file systems of disk images, and of disks of the tests
  erofs-utils cryptsetup-bin fdisk gdisk       # what tests make disks and read images back with
  attr                                         # extended attributes of a base that is a folder
  mmdebstrap                                   # Debian and Ubuntu bases of guest images
  iproute2                                     # networks of the tests
  kmod                                         # modprobe of a guest of the tests
  strace                                       # what a build asks the kernel for
)
kernel_packages=(linux-source-6.12 gcc make flex bison bc libelf-dev libssl-dev xz-utils zstd cpio patch)
# kernel_cross_packages ARCH: what a kernel for ARCH takes besides, when this machine is of another architecture.
kernel_cross_packages() {
  [ "$1" != "$(uname -m)" ] || return 0
  case $1 in
    x86_64) echo gcc-x86-64-linux-gnu ;;
    aarch64) echo gcc-aarch64-linux-gnu ;;
    ppc64le) echo gcc-powerpc64le-linux-gnu ;;
    s390x) echo gcc-s390x-linux-gnu ;;
    riscv64) echo gcc-riscv64-linux-gnu ;;
  esac
}
bench_packages=(runc crun)

# missing_packages NAME...: prints those that are not installed.
missing_packages() {
  local name
  local -A installed=()
  while read -r name; do installed[${name%%:*}]=1; done < <(
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p'
  )
  for name in "$@"; do
    [ -n "${installed[$name]:-}" ] || printf '%s\n' "$name"
  done
}

# ensure_packages TARGET NAME...: installs what is missing, and only that.
ensure_packages() {
  local target=$1
  shift
  command -v dpkg-query >/dev/null || die "$target: this machine has no dpkg; on Debian 12 these packages are needed: $*"
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} -eq 0 ]; then
    say "$target: all ${#} packages are installed"
    return
  fi
  [ "$(id -u)" = 0 ] || die "$target: not root; run: apt-get install --no-install-recommends ${missing[*]}"
  say "$target: installing ${missing[*]}"
  update_machine_lists
  export DEBIAN_FRONTEND=noninteractive
  logged "apt-get install ${missing[*]}" \
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
}

# update_machine_lists: refreshes the machine's own package lists, once a run.
machine_lists_updated=no
update_machine_lists() {
  [ $machine_lists_updated = no ] || return 0
  if [ "$(id -u)" != 0 ]; then
    warn "not root, so the package lists stay as they are"
    return 0
  fi
  say "apt: refreshing the package lists"
  # A third-party source that fails must not stop us: what counts is whether the packages are found afterwards.
  quietly apt-get update -o DPkg::Lock::Timeout=300 || warn "apt-get update: $(last_error)"
  machine_lists_updated=yes
}
