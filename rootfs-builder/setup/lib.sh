# Messages, the log file and the lock of the set-up scripts. Sourced by install.sh.

say() { printf 'setup: %s\n' "$*"; }
warn() { printf 'setup: warning: %s\n' "$*" >&2; }
die() {
  printf 'setup: failed: %s\n' "$*" >&2
  exit 1
}

# begin_setup: makes the cache folder, takes the lock (two `make` at once must not unpack over each other) and
# arranges that unfinished work is removed however this script ends.
begin_setup() {
  mkdir -p "$cache_dir/debs" || die "cannot make the cache folder $cache_dir"
  cache_dir=$(cd "$cache_dir" && pwd)
  setup_log=$cache_dir/setup.log
  exec 9>"$cache_dir/setup.lock" || die "cannot write to the cache folder $cache_dir"
  if ! flock -n 9; then
    say "waiting for another set-up to finish"
    flock 9
  fi
  : >"$setup_log"
  scratch_dir=$(mktemp -d "$cache_dir/setup.XXXXXX") || die "cannot write to the cache folder $cache_dir"
  trap 'rm -rf "$scratch_dir"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# logged WHAT COMMAND...: runs COMMAND with its output in the log; on failure dies with WHAT and the line that says why.
logged() {
  local what=$1
  shift
  quietly "$@" || die "$what: $(last_error) (details: $setup_log)"
}

# quietly COMMAND...: runs COMMAND with its output in the log, and gives its status. The lock stays ours (9>&-).
quietly() {
  log_start=$(($(wc -c <"$setup_log") + 1))
  { printf '$ %s\n' "$*" && "$@" </dev/null; } >>"$setup_log" 2>&1 9>&-
}

# The first line of the latest logged command that looks like an error (what follows is its consequence), else its last.
last_error() {
  local text
  text=$(tail -c "+$log_start" "$setup_log")
  grep -m 1 -E '^(E:|dpkg.*error|.*: error)' <<<"$text" || tail -n 1 <<<"$text"
}
