#!/bin/sh
# Puts the guest of kihon onto a node that has Kata Containers, and takes it away again. Runs in the installer's container:
#   /payload          what to install, laid out below the prefix ($KATA_PREFIX, /opt/kata)
#   /host/kata        the node's prefix
#   /host/containerd  the node's /etc/containerd
# Every file appears whole or not at all; what is not ours is read only. The names of what is ours are kept in a list on the node, written
# before the first of them is placed: whatever comes in between, the next run puts right, and removal finds what an older version brought.
set -eu

prefix=${KATA_PREFIX:-/opt/kata}
payload=${PAYLOAD:-/payload}$prefix
kata=${HOST_KATA:-/host/kata}
containerd=${HOST_CONTAINERD:-/host/containerd}
defaults=share/defaults/kata-containers
drop_in=$containerd/conf.d/kihon.toml
label=${NODE_LABEL:-kihon/installed}
list=$kata/share/kata-containers/kihon-installed.list
newline='
'

say() { echo "kihon: $*"; }

# place SOURCE TARGET
place() {
    mkdir -p "${2%/*}"
    cp -P "$1" "$2.kihon-new"
    mv -f "$2.kihon-new" "$2"
}

# What the payload brings for a node, one path below the prefix on a line.
payload_files() {
    (cd "$payload" && find . \( -type f -o -type l \) -print) | while IFS= read -r file; do
        file=${file#./}
        case $file in bin/* | libexec/kihon/* | share/kata-containers/* | "$defaults"/runtimes/kata-kihon-*) echo "$file" ;; esac
    done | sort
}

# What was brought before.
listed_files() { [ ! -f "$list" ] || cat "$list"; }

# has LINES LINE
has() { case $newline$1$newline in *"$newline$2$newline"*) ;; *) return 1 ;; esac; }

# Those of the payload that may be placed: with our name, brought before, or where nothing is.
own_files() {
    before=$(listed_files)
    payload_files | while IFS= read -r file; do
        case ${file##*/} in
        *kihon*) echo "$file" ;;
        *)
            if has "$before" "$file" || { [ ! -e "$kata/$file" ] && [ ! -L "$kata/$file" ]; }; then
                echo "$file"
            else
                say "$prefix/$file is not ours and stays" >&2
            fi
            ;;
        esac
    done
}

# take_away FILE: only what a list of ours can have, whatever is in it.
take_away() {
    case /$1/ in */../* | */./* | *//*) return 0 ;; esac
    case $1 in bin/* | libexec/kihon/* | share/kata-containers/* | "$defaults"/runtimes/kata-kihon-*) rm -f "$kata/$1" "$kata/$1.kihon-new" ;; esac
}

# Names of our runtimes: each has a folder in the payload.
runtimes() {
    for folder in "$payload/$defaults/runtimes"/kata-kihon-*; do
        [ -d "$folder" ] && echo "${folder##*/}"
    done
}

# The node's label, by the API server: {"metadata":{"labels":{...}}}. $1 is true or null (null takes the label away).
set_label() {
    account=/var/run/secrets/kubernetes.io/serviceaccount
    [ -r "$account/token" ] && [ -n "${KUBERNETES_SERVICE_HOST:-}" ] || { say "no API server here, the node is not labelled"; return 0; }
    value=$1
    [ "$value" = null ] || value=\"$value\"
    curl --silent --show-error --fail --cacert "$account/ca.crt" -X PATCH \
        -H "Authorization: Bearer $(cat "$account/token")" -H 'Content-Type: application/merge-patch+json' \
        --data "{\"metadata\":{\"labels\":{\"$label\":$value}}}" -o /dev/null \
        "https://$KUBERNETES_SERVICE_HOST:${KUBERNETES_SERVICE_PORT:-443}/api/v1/nodes/$NODE_NAME"
}

# The configuration of a runtime: a copy of Kata's for the same hypervisor, with our drop-in beside it.
configure() {
    hypervisor=${1#kata-kihon-}
    base=
    for candidate in "$kata/$defaults/runtimes/$hypervisor/configuration-$hypervisor.toml" "$kata/$defaults/configuration-$hypervisor.toml"; do
        [ -f "$candidate" ] && base=$candidate && break
    done
    [ -n "$base" ] || { say "$1: no configuration-$hypervisor.toml of Kata on this node, left out"; return 1; }
    place "$base" "$kata/$defaults/runtimes/$1/configuration.toml"
}

containerd_table() {
    cat <<TOML
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$1]
runtime_type = "io.containerd.$1.v2"
runtime_path = "$prefix/bin/containerd-shim-kata-v2"
privileged_without_host_devices = true
pod_annotations = ["io.katacontainers.*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$1.options]
ConfigPath = "$prefix/$defaults/runtimes/$1/configuration.toml"

TOML
}

install() {
    [ -d "$payload" ] || { say "nothing in $payload"; exit 1; }
    [ -d "$kata/$defaults" ] || { say "no Kata Containers in $prefix on this node"; exit 1; }
    files=$(own_files)
    before=$(listed_files)
    mkdir -p "${list%/*}"
    printf '%s\n' "$files" "$before" | sort -u | sed '/^$/d' >"$list.kihon-new"
    mv -f "$list.kihon-new" "$list"
    printf '%s\n' "$files" | while IFS= read -r file; do place "$payload/$file" "$kata/$file"; done
    mkdir -p "$containerd/conf.d"
    new=$drop_in.kihon-new
    printf 'version = 2\n\n' >"$new"
    for runtime in $(runtimes); do
        if configure "$runtime"; then
            containerd_table "$runtime" >>"$new"
            say "$runtime is there"
        fi
    done
    mv -f "$new" "$drop_in"
    # Now nothing names what an older version brought.
    printf '%s\n' "$before" | while IFS= read -r file; do has "$files" "$file" || take_away "$file"; done
    for folder in "$kata/$defaults/runtimes"/kata-kihon-*; do
        [ -d "$payload/$defaults/runtimes/${folder##*/}" ] || rm -rf "$folder"
    done
    printf '%s\n' "$files" >"$list.kihon-new"
    mv -f "$list.kihon-new" "$list"
    sync
    grep -qs 'conf\.d/' "$containerd/config.toml" ||
        say 'containerd does not read conf.d: imports = ["/etc/containerd/conf.d/*.toml"] in config.toml, then restart it'
    set_label true
}

remove() {
    set_label null || say 'the label stays: the API server did not answer'
    rm -f "$drop_in" "$drop_in.kihon-new"
    listed_files | while IFS= read -r file; do take_away "$file"; done
    for folder in "$kata/$defaults/runtimes"/kata-kihon-*; do rm -rf "$folder"; done
    rm -f "$list" "$list.kihon-new"
    # Folders that only we had something in; one with anything else stays.
    for folder in "$containerd/conf.d" "$kata/$defaults/runtimes" "$kata/libexec/kihon" "$kata/libexec" "$kata/bin" "$kata/share/kata-containers"; do
        rmdir "$folder" 2>/dev/null || :
    done
    say 'removed'
}

case ${1:-} in
install)
    install
    [ "${ONCE:-}" = 1 ] && exit 0
    # Stay, so that the node keeps what it has until the pod goes; a signal ends it at once.
    trap 'exit 0' TERM INT
    while :; do sleep 3600 & wait $!; done
    ;;
remove) remove ;;
*) echo "usage: install-node.sh install|remove" >&2; exit 2 ;;
esac
