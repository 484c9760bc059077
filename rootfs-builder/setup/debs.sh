# Packages that are downloaded and unpacked under the cache, never installed. Sourced by install.sh.
# CACHE/debs/NAME/VERSION holds the unpacked files, CACHE/debs/NAME/VERSION.sha256 the digest of the package they came
# from, and CACHE/debs/NAME/current is a link to VERSION. apt has checked the package against its signed index.

# deb_version NAME: the unpacked version, or nothing.
deb_version() {
  local link=$cache_dir/debs/$1/current
  if [ -e "$link/." ]; then readlink "$link"; fi
}

list_debs() {
  local folder name version
  for folder in "$cache_dir"/debs/*/; do
    name=$(basename "$folder")
    version=$(deb_version "$name")
    [ -z "$version" ] || printf '%s %s %s\n' "$name" "$version" "$cache_dir/debs/$name/current"
  done
}

# unpack_deb NAME FILE: unpacks FILE beside its final place and renames, so that a half-unpacked tree is never found.
unpack_deb() {
  local name=$1 file=$2 version folder
  version=$(dpkg-deb -f "$file" Version) || die "$name: the downloaded file is not a Debian package"
  folder=$cache_dir/debs/$name
  version=${version#*:} # an epoch's colon would be in the way in PATH-like settings
  mkdir -p "$folder"
  if [ ! -d "$folder/$version" ]; then
    logged "unpacking $name $version" dpkg-deb -x "$file" "$scratch_dir/$name"
    mv -T "$scratch_dir/$name" "$folder/$version"
  fi
  sha256sum <"$file" | cut -d ' ' -f 1 >"$folder/$version.sha256"
  ln -sfn "$version" "$scratch_dir/current"
  mv -T "$scratch_dir/current" "$folder/current"
  rm -f "$file"
  say "$name: $version is ready"
}

# download_deb NAME APT...: downloads with the given apt-get command into the scratch folder, prints nothing, and sets
# `downloaded` to the file.
download_deb() {
  local name=$1 folder=$scratch_dir/download
  shift
  rm -rf "$folder"
  mkdir -p "$folder"
  say "$name: downloading"
  logged "$name: download" env -C "$folder" "$@" || return 1
  downloaded=$(find "$folder" -name '*.deb' -type f | head -n 1)
  [ -n "$downloaded" ] || die "$name: apt-get download left no package"
}

# ensure_deb NAME PACKAGE: PACKAGE of this machine's own suites, unpacked as NAME.
ensure_deb() {
  local name=$1 package=$2 version
  version=$(deb_version "$name")
  if [ -n "$version" ] && [ $update = no ]; then
    say "$name: $version is there"
    return
  fi
  require_candidate "$name" "$package"
  download_deb "$name" apt-get download -o APT::Sandbox::User=root "$package"
  unpack_deb "$name" "$downloaded"
}

# candidate PACKAGE: the version the machine's own suites offer, or nothing.
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -vx '(none)' || true; }

require_candidate() {
  local name=$1 package=$2
  command -v apt-get >/dev/null || die "$name: this machine has no apt-get"
  [ -n "$(candidate "$package")" ] && [ $update = no ] && return
  update_machine_lists
  [ -n "$(candidate "$package")" ] || die "$name: none of this machine's apt sources offers $package"
}

# The newest 6.12 cloud kernel of bookworm (its meta package depends on the image proper); 6.1 where there is none.
# Both have virtio-fs and vsock as modules.
ensure_guest_kernel() {
  local name=linux-image-cloud arch version meta package=
  version=$(deb_version $name)
  if [ -n "$version" ] && [ $update = no ]; then
    say "$name: $version is there"
    return
  fi
  arch=$(dpkg --print-architecture) || die "$name: this machine has no dpkg"
  [ $update = no ] || update_machine_lists
  for attempt in 1 2; do
    for meta in "linux-image-6.12-cloud-$arch" "linux-image-cloud-$arch"; do
      package=$(apt-cache depends --important "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
      [ -z "$package" ] || break 2
    done
    [ $attempt = 2 ] || update_machine_lists
  done
  [ -n "$package" ] || die "$name: none of this machine's apt sources offers linux-image-cloud-$arch"
  ensure_deb_again $name "$package"
}

ensure_deb_again() {
  require_candidate "$1" "$2"
  download_deb "$1" apt-get download -o APT::Sandbox::User=root "$2"
  unpack_deb "$1" "$downloaded"
}

# check_runs NAME PATH: a program of a newer suite may need newer libraries than this machine has; say so now.
check_runs() {
  local program=$cache_dir/debs/$1/current/$2 libraries
  [ -x "$program" ] || die "$1: the package has no $2"
  libraries=$(ldd "$program" 2>&1 | grep 'not found' | head -n 1 | sed 's/^[[:space:]]*//' || true)
  [ -z "$libraries" ] || die "$1: its program does not run on this machine: $libraries"
}
