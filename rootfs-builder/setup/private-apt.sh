# Packages of a newer Debian suite than the machine's. Sourced by install.sh.
# The mirror, proxies and credentials are those of the machine's own apt configuration; the lists live in a private apt
# root under the cache, so the machine's package manager never sees the newer suite. Signatures are checked as always.

qjs_tested_version=0.17.0-1
newer_suites=(forky sid unstable)
declare -A refreshed=() # suites whose lists were read in this run
archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirror: the URI of the first Debian (not third-party, not security) source of the machine.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' 2>/dev/null | head -n 1
}

# open_private_apt SUITE [KEYRING [ARCH]]: writes the private root and refreshes its lists. Gives 1 when that fails.
# apt counts a suite that could not be refreshed as a warning if it has old lists, hence Error-Mode.
open_private_apt() {
  local suite=$1 keyring=${2:-$archive_keyring} root=$cache_dir/apt-$1 arch=${3:-}
  [ -z "$arch" ] || root=$root-$arch
  [ -n "$arch" ] || arch=$(dpkg --print-architecture)
  mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" "$root/etc"
  : >"$root/status"
  printf 'deb [signed-by=%s arch=%s target=Packages] %s %s main\n' "$keyring" "$arch" "$mirror" "$suite" >"$root/etc/sources.list"
  cat >"$root/etc/apt.conf" <<CONF
Dir::State "$root/state";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Dir::Etc::sourcelist "$root/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Default-Release "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
CONF
  # -c is read after the machine's configuration, so it wins; the machine's proxies stay in force.
  private_apt=(-c "$root/etc/apt.conf")
  [ -z "${refreshed[$suite$keyring$arch]:-}" ] || return 0
  quietly apt-get "${private_apt[@]}" update || return 1
  refreshed[$suite$keyring$arch]=yes
}

# open_suite SUITE: as above, and where the machine's keyring is too old for the suite, with a newer keyring that came
# through a chain of signatures: the machine's own suites first, then Debian 13.
open_suite() {
  local suite=$1 keyring
  [ -n "${refreshed[$suite$archive_keyring$(dpkg --print-architecture)]:-}" ] || say "apt: reading the package lists of Debian $suite (private, under the cache)"
  open_private_apt "$suite" && return
  grep -q -E 'NO_PUBKEY|EXPKEYSIG|Missing key' < <(tail -c "+$log_start" "$setup_log") || return 1
  say "apt: $suite is signed by a key this machine does not have yet; fetching a newer debian-archive-keyring"
  ensure_deb debian-archive-keyring debian-archive-keyring
  keyring=$cache_dir/debs/debian-archive-keyring/current/usr/share/keyrings/debian-archive-keyring.gpg
  open_private_apt "$suite" "$keyring" && return
  open_private_apt trixie "$keyring" || return 1
  download_deb debian-archive-keyring apt-get "${private_apt[@]}" download debian-archive-keyring
  unpack_deb debian-archive-keyring "$downloaded"
  open_private_apt "$suite" "$keyring"
}

# offered PACKAGE: versions the opened private root offers, newest first.
offered() { apt-cache "${private_apt[@]}" madison "$1" 2>/dev/null | cut -d '|' -f 2 | tr -d ' ' | uniq; }

# ensure_newer_deb NAME TESTED: unpacks NAME of the first newer suite that has version TESTED (any, if TESTED is empty);
# when none has it, the first version found, with a warning.
ensure_newer_deb() {
  local name=$1 tested=$2 version suite versions found='' found_suite='' reason=''
  version=$(deb_version "$name")
  if [ -n "$version" ] && [ $update = no ]; then
    say "$name: $version is there"
    warn_untested "$name" "$version" "$tested"
    return
  fi
  find_mirror "$name"
  for suite in "${newer_suites[@]}"; do
    if ! open_suite "$suite"; then
      reason=$(last_error)
      continue
    fi
    versions=$(offered "$name")
    if [ -n "$tested" ] && grep -qxF "$tested" <<<"$versions"; then
      found=$tested found_suite=$suite
      break
    fi
    if [ -n "$versions" ] && [ -z "$found" ]; then
      found=$(head -n 1 <<<"$versions") found_suite=$suite
    fi
    [ -n "$tested" ] || [ -z "$found" ] || break
  done
  [ -n "$found" ] || die "$name: none of Debian's suites ${newer_suites[*]} offers it at the machine's mirror${reason:+: $reason}"
  [ "$suite" = "$found_suite" ] || open_suite "$found_suite" || die "$name: Debian $found_suite: $(last_error)"
  download_deb "$name" apt-get "${private_apt[@]}" download "$name=$found"
  unpack_deb "$name" "$downloaded"
  warn_untested "$name" "$found" "$tested"
}

# ensure_newer_kernel_source: the source package that linux-source of the newest suite stands for, unpacked as linux-source.
ensure_newer_kernel_source() {
  local name=linux-source version suite package
  version=$(deb_version $name)
  if [ -n "$version" ] && [ $update = no ]; then
    say "$name: $version is there"
    return
  fi
  find_mirror $name
  for suite in "${newer_suites[@]}"; do
    open_suite "$suite" || continue
    package=$(apt-cache "${private_apt[@]}" depends --important $name 2>/dev/null | sed -n 's/^ *Depends: \(linux-source-[0-9.]*\)$/\1/p' | head -n 1)
    [ -n "$package" ] || continue
    download_deb $name apt-get "${private_apt[@]}" download "$package"
    unpack_deb $name "$downloaded"
    return
  done
  die "$name: none of Debian's suites ${newer_suites[*]} offers it at the machine's mirror: $(last_error)"
}

warn_untested() {
  [ -z "$3" ] || [ "$2" = "$3" ] || warn "$1: version $2 is not the tested version $3; the self-test will tell"
}

find_mirror() {
  command -v apt-get >/dev/null || die "$1: this machine has no apt-get"
  mirror=$(debian_mirror)
  [ -n "$mirror" ] && return
  update_machine_lists # without lists apt does not know which of its sources is Debian's
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || die "$1: this machine's apt configuration names no Debian mirror"
}
