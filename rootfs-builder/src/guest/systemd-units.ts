/** Where units lie in the guest. */
export const UNIT_FOLDER = 'usr/lib/systemd/system';

/** The agent as a service; `configFile` is its place in the guest. */
export function agentService(configFile?: string): string {
  const options = configFile === undefined ? '' : ` -c ${configFile}`;
  return `[Unit]
Description=Agent of Kata Containers (Kihon)
Wants=kata-containers.target

[Service]
Type=simple
StandardOutput=tty
ExecStart=/usr/bin/kata-agent${options}
# The agent opens descriptors for all containers of the pod, and must be the last to go when memory is short.
LimitNOFILE=1073741824
OOMScoreAdjust=-997
# Without the agent nobody can ask the guest for anything: it ends, and the host notices.
ExecStop=/bin/sync ; /usr/bin/systemctl --force poweroff
FailureAction=poweroff
`;
}

/** The target that Kata's runtime asks for by name. */
export const AGENT_TARGET = `[Unit]
Description=Guest of Kata Containers
Requires=basic.target
Requires=tmp.mount
Requires=kata-agent.service
Wants=chronyd.service
Conflicts=rescue.service rescue.target
After=basic.target rescue.service rescue.target
AllowIsolate=yes
`;

/** What the target has besides in a guest whose /run is sized by fstab. */
export const REMOUNT_LINE = 'Requires=systemd-remount-fs.service\n';

/** The root is read-only, so /tmp is memory. */
export const TMP_MOUNT = `[Unit]
Description=Temporary files in memory
DefaultDependencies=no
Conflicts=umount.target
Before=local-fs.target umount.target
After=swap.target

[Mount]
What=tmpfs
Where=/tmp
Type=tmpfs
Options=mode=1777,strictatime,nosuid,nodev
`;

/** Units of services and sockets that a guest has no use for, without their endings. */
const USELESS_UNITS = [
  'systemd-coredump@',
  'systemd-journald',
  'systemd-journald-dev-log',
  'systemd-journal-flush',
  'systemd-random-seed',
  'systemd-timesyncd',
  'systemd-tmpfiles-setup',
  'systemd-udevd',
  'systemd-udevd-control',
  'systemd-udevd-kernel',
  'systemd-udev-trigger',
  'systemd-update-utmp',
];

/** Other files of systemd that go with them. */
const USELESS_FILES = [
  'systemd-bless-boot-generator',
  'systemd-fstab-generator',
  'systemd-getty-generator',
  'systemd-gpt-auto-generator',
  'systemd-tmpfiles-cleanup.timer',
];

/** Names of files that a slim guest is without. */
export const USELESS_NAMES: ReadonlySet<string> = new Set([
  ...USELESS_UNITS.flatMap((unit) => [`${unit}.service`, `${unit}.socket`]),
  ...USELESS_FILES,
]);
