# Packages of another architecture, unpacked under the cache only. Sourced by install.sh.

# machine_suite: codename of the machine's own Debian.
machine_suite() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}"); }

# ensure_foreign_deb NAME PACKAGE ARCH: PACKAGE of the machine's suite for ARCH, unpacked as NAME. Its lists live in a private apt
# root, so the machine itself needs no foreign architecture.
ensure_foreign_deb() {
  local name=$1 package=$2 arch=$3 version suite
  version=$(deb_version "$name")
  if [ -n "$version" ] && [ $update = no ]; then
    say "$name: $version is there"
    return
  fi
  open_foreign_suite "$name" "$arch"
  download_deb "$name" apt-get "${private_apt[@]}" download "$package"
  unpack_deb "$name" "$downloaded"
}

open_foreign_suite() {
  local name=$1 arch=$2 suite
  suite=$(machine_suite)
  [ -n "$suite" ] || die "$name: /etc/os-release names no suite"
  find_mirror "$name"
  open_private_apt "$suite" "$archive_keyring" "$arch" || die "$name: Debian $suite for $arch: $(last_error)"
}

# ensure_foreign_kernel ARCH: the packaged cloud kernel, by the meta package that depends on it.
ensure_foreign_kernel() {
  local arch=$1 name=linux-image-cloud-$1 version package
  version=$(deb_version "$name")
  if [ -n "$version" ] && [ $update = no ]; then
    say "$name: $version is there"
    return
  fi
  open_foreign_suite "$name" "$arch"
  package=$(apt-cache "${private_apt[@]}" depends --important "linux-image-cloud-$arch" |
    sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
  [ -n "$package" ] || die "$name: Debian offers no linux-image-cloud-$arch"
  ensure_foreign_deb "$name" "$package" "$arch"
}

# What `make agent ARCH=aarch64` and its test need: a cross compiler, musl to link against, and a VM to boot.
ensure_aarch64() {
  ensure_packages aarch64 gcc-aarch64-linux-gnu linux-libc-dev-arm64-cross qemu-system-arm
  ensure_foreign_deb musl-dev-arm64 musl-dev arm64
  ensure_foreign_deb busybox-static-arm64 busybox-static arm64
  ensure_foreign_kernel arm64
}
