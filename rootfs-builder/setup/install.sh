#!/bin/bash
# Installs or unpacks what Kihon is built from and runs on. Plain bash, because it runs before npm has anything.
# See --help below for the targets; a target that is already satisfied costs some milliseconds.
set -euo pipefail

setup_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo_dir=$(cd "$setup_dir/../.." && pwd)
cache_dir=${KIHON_CACHE:-$repo_dir/.cache}
update=no

# shellcheck source=lib.sh
. "$setup_dir/lib.sh"
# shellcheck source=packages.sh
. "$setup_dir/packages.sh"
# shellcheck source=debs.sh
. "$setup_dir/debs.sh"
# shellcheck source=private-apt.sh
. "$setup_dir/private-apt.sh"
# shellcheck source=foreign-arch.sh
. "$setup_dir/foreign-arch.sh"

usage() {
  cat <<'TEXT'
usage: bash rootfs-builder/setup/install.sh [--update] [TARGET...]

Targets (default: packages engine vm rootfs guest-kernel, which is what `make demo` needs):
  packages      compiler, musl, QEMU and small tools, from this machine's own Debian suites (apt-get install)
  engine        QuickJS-ng source (qjs-src), from a newer Debian suite, unpacked under the cache only
  vm            vhost-device-vsock, from a newer Debian suite, and the compilers of AppArmor and SELinux policies for tests,
                unpacked under the cache only
  rootfs        busybox-static, from this machine's own suites, unpacked under the cache only
  guest-kernel  Debian's packaged cloud kernel and its modules, unpacked under the cache only
  kernel        source and tools to build the guest kernel (apt-get install)
  kernel-ARCH   the same and a cross compiler: x86_64, aarch64, ppc64le, s390x or riscv64 (apt-get install)
  kernel-debug  what makes type information for BPF, for the debug kernel (apt-get install)
  foreign-vm    QEMU for riscv64, s390x and ppc64le, to see their kernels start (apt-get install)
  kernel-newer  kernel source of a newer Debian suite, unpacked under the cache only
  bench         runc and crun, which the benchmark runs beside Kihon (apt-get install)
  aarch64       cross compiler, QEMU, musl and a kernel to build and boot the agent for aarch64
  all           all of the above

Options:
  --update      look for newer versions even where one is already unpacked
  --list        print "NAME VERSION PATH" of everything unpacked, and stop

Unpacked packages are found at CACHE/debs/NAME/current, where CACHE is $KIHON_CACHE or .cache in the repository.
`packages`, `kernel`, `kernel-ARCH`, `foreign-vm`, `bench` and `aarch64` need root when something is missing; the others do not, once apt has its lists.
TEXT
}

targets=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    --update) update=yes ;;
    --list) list_debs; exit 0 ;;
    packages | engine | vm | rootfs | guest-kernel | kernel | bench | aarch64) targets+=("$argument") ;;
    foreign-vm | kernel-newer | kernel-debug | kernel-x86_64 | kernel-aarch64 | kernel-ppc64le | kernel-s390x | kernel-riscv64) targets+=("$argument") ;;
    all) targets+=(packages engine vm rootfs guest-kernel kernel bench aarch64) ;;
    *) die "unknown argument '$argument' (see --help)" ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || targets=(packages engine vm rootfs guest-kernel)

begin_setup
for target in "${targets[@]}"; do
  case $target in
    packages) ensure_packages packages "${base_packages[@]}" ;;
    kernel) ensure_packages kernel "${kernel_packages[@]}" ;;
    kernel-debug) ensure_packages kernel-debug dwarves ;;
    foreign-vm) ensure_packages foreign-vm qemu-system-misc qemu-system-ppc ;;
    kernel-newer) ensure_newer_kernel_source ;;
    kernel-*)
      # shellcheck disable=SC2046 # a list of names
      ensure_packages "$target" "${kernel_packages[@]}" $(kernel_cross_packages "${target#kernel-}")
      ;;
    bench) ensure_packages bench "${bench_packages[@]}" ;;
    aarch64) ensure_aarch64 ;;
    engine) ensure_newer_deb qjs-src "$qjs_tested_version" ;;
    vm)
      ensure_newer_deb vhost-device-vsock ''
      check_runs vhost-device-vsock usr/bin/vhost-device-vsock
      # Unpacked and not installed: as installed packages they would be for this machine's own security module.
      ensure_deb checkpolicy checkpolicy
      ensure_deb apparmor apparmor
      ;;
    rootfs) ensure_deb busybox-static busybox-static ;;
    guest-kernel) ensure_guest_kernel ;;
  esac
done
