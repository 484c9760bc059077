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
  vm            vhost-device-vsock, from a newer Debian suite, unpacked under the cache only
  rootfs        busybox-static, from this machine's own suites, unpacked under the cache only
  guest-kernel  Debian's packaged cloud kernel and its modules, unpacked under the cache only
  kernel        source and tools to build the guest kernel (apt-get install)
  bench         runc and crun, which the benchmark runs beside Kihon (apt-get install)
  aarch64       cross compiler, QEMU, musl and a kernel to build and boot the agent for aarch64
  all           all of the above

Options:
  --update      look for newer versions even where one is already unpacked
  --list        print "NAME VERSION PATH" of everything unpacked, and stop

Unpacked packages are found at CACHE/debs/NAME/current, where CACHE is $KIHON_CACHE or .cache in the repository.
`packages`, `kernel`, `bench` and `aarch64` need root when something is missing; the others do not, once apt has its lists.
TEXT
}

targets=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    --update) update=yes ;;
    --list) list_debs; exit 0 ;;
    packages | engine | vm | rootfs | guest-kernel | kernel | bench | aarch64) targets+=("$argument") ;;
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
    bench) ensure_packages bench "${bench_packages[@]}" ;;
    aarch64) ensure_aarch64 ;;
    engine) ensure_newer_deb qjs-src "$qjs_tested_version" ;;
    vm)
      ensure_newer_deb vhost-device-vsock ''
      check_runs vhost-device-vsock usr/bin/vhost-device-vsock
      ;;
    rootfs) ensure_deb busybox-static busybox-static ;;
    guest-kernel) ensure_guest_kernel ;;
  esac
done
