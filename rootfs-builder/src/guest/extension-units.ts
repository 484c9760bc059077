/** Where the helpers of extensions lie in the guest; Kata's names. */
export const EXTENSION_MOUNT = 'usr/libexec/kata-extension-mount.sh';
export const EXTENSION_UMOUNT = 'usr/libexec/kata-extension-umount.sh';
export const EXTENSION_GENERATOR = 'usr/lib/systemd/system-generators/kata-extension-mount-generator';
export const EXTENSION_UNIT = 'kata-extension-mount@.service';

/**
 * Mounts one extension before the agent starts. A guest that cannot have what its host asked for, or whose disk is not what was measured,
 * ends: the agent must not run without it.
 */
export const EXTENSION_SERVICE = `[Unit]
Description=Guest extension %i
ConditionKernelCommandLine=kata.extension.%i.verity_params
Before=kata-agent.service
OnFailure=poweroff.target
OnFailureJobMode=replace-irreversibly

[Service]
Type=oneshot
RemainAfterExit=yes
StandardOutput=tty
StandardError=tty
ExecStart=/${EXTENSION_MOUNT} %i
ExecStop=/${EXTENSION_UMOUNT} %i
`;

/** systemd.generator(7): an instance of the unit for each extension on the kernel's command line, which the agent then waits for. */
export const EXTENSION_GENERATOR_SCRIPT = `#!/bin/sh
# An instance of ${EXTENSION_UNIT} for each kata.extension.NAME.verity_params on the command line.
set -euf
wants=$1/kata-agent.service.requires
for word in $(cat /proc/cmdline); do
    case $word in kata.extension.*.verity_params | kata.extension.*.verity_params=*) ;; *) continue ;; esac
    name=\${word%%=*}
    name=\${name#kata.extension.}
    name=\${name%.verity_params}
    case $name in '' | *[!A-Za-z0-9_-]*) echo "kata-extension: no name of an extension: $name" >/dev/kmsg; continue ;; esac
    mkdir -p "$wants"
    ln -sf "/usr/lib/systemd/system/${EXTENSION_UNIT}" "$wants/kata-extension-mount@$name.service"
done
`;

/** Finds the disk by its serial, since there is no udev, and mounts it: behind dm-verity if and only if it is measured. */
export const EXTENSION_MOUNT_SCRIPT = `#!/bin/sh
# Mounts the extension NAME on /run/kata-extensions/NAME: a virtio disk with the serial extension-NAME, read-only.
# A hash partition and parameters on the command line belong together: one without the other is refused.
set -euf
name=\${1:-}
fail() { echo "kata-extension-mount: \${name:-?}: $*" >&2; exit 1; }
case $name in '' | *[!A-Za-z0-9_-]*) fail 'not a name of an extension' ;; esac

key=kata.extension.$name.verity_params
params= times=0
for word in $(cat /proc/cmdline); do
    case $word in "$key") times=$((times + 1)) ;; "$key="*) times=$((times + 1)) params=\${word#*=} ;; esac
done
[ "$times" = 1 ] || fail "$key is on the command line $times times"

set +f
disk=
for serial in /sys/block/*/serial; do
    [ -r "$serial" ] && [ "$(cat "$serial")" = "extension-$name" ] || continue
    [ -z "$disk" ] || fail 'two disks have its serial'
    disk=\${serial%/serial}
done
[ -n "$disk" ] || fail "no disk has the serial extension-$name"
data= hashes=
for partition in "$disk"/*/partition; do
    [ -r "$partition" ] || continue
    part=\${partition%/partition}
    case $(cat "$partition") in 1) data=/dev/\${part##*/} ;; 2) hashes=/dev/\${part##*/} ;; *) fail 'more than two partitions' ;; esac
done
set -f
[ -n "$data" ] || fail 'the disk has no first partition'

source=$data
if [ -n "$params" ]; then
    [ -n "$hashes" ] || fail 'parameters, but no partition with hashes'
    root_hash= salt= data_blocks= data_block_size= hash_block_size=
    IFS=,
    for pair in $params; do
        value=\${pair#*=}
        case $pair in
        root_hash=* | salt=*) case $value in *[!0-9a-f]*) fail "bad parameter $pair" ;; esac ;;
        data_blocks=* | data_block_size=* | hash_block_size=*) case $value in '' | *[!0-9]*) fail "bad parameter $pair" ;; esac ;;
        *) fail "unknown parameter $pair" ;;
        esac
        eval "\${pair%%=*}=\\$value"
    done
    unset IFS
    [ -n "$root_hash" ] && [ -n "$data_blocks" ] && [ -n "$data_block_size" ] && [ -n "$hash_block_size" ] || fail 'parameters are missing'
    # Without udev the library makes the nodes itself.
    DM_DISABLE_UDEV=1 veritysetup open --no-superblock --hash=sha256 "--salt=\${salt:--}" "--data-blocks=$data_blocks" \\
        "--data-block-size=$data_block_size" "--hash-block-size=$hash_block_size" "$data" "extension-$name" "$hashes" "$root_hash" ||
        fail 'the hashes are not those of the parameters, or veritysetup is missing'
    source=/dev/mapper/extension-$name
elif [ -n "$hashes" ]; then
    fail 'the disk is measured, but no parameters are on the command line'
fi

target=/run/kata-extensions/$name
mkdir -p "$target"
mount -t erofs -o ro,nodev "$source" "$target" && exit 0
rmdir "$target"
[ "$source" = "$data" ] || DM_DISABLE_UDEV=1 veritysetup close "extension-$name"
fail "$source cannot be mounted"
`;

/** The reverse. */
export const EXTENSION_UMOUNT_SCRIPT = `#!/bin/sh
# Takes the extension NAME away again.
set -eu
case \${1:-} in '' | *[!A-Za-z0-9_-]*) echo 'kata-extension-umount: not a name of an extension' >&2; exit 1 ;; esac
umount "/run/kata-extensions/$1"
rmdir "/run/kata-extensions/$1"
[ ! -e "/dev/mapper/extension-$1" ] || DM_DISABLE_UDEV=1 veritysetup close "extension-$1"
`;
