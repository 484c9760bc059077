/**
 * What the agent holds, one line each: mounts without their numbers, descriptors by kind, children other than the witness's own (a zombie
 * with its state), cgroups, the state folder up to mount points. Children are found by their parent: not every kernel lists them.
 */
export const HOLDINGS_SCRIPT = `
while read -r a b c root mp rest; do echo "mount $mp \${rest##* - } $root"; done < /proc/1/mountinfo | sort
for f in /proc/1/fd/*; do readlink $f; done | sed 's/:\\[[0-9]*\\]$//; s/^/fd /' | sort
for f in /proc/[0-9]*/stat; do
  { read -r line < $f; } 2>/dev/null || continue
  name=\${line#*(}; name=\${name%)*}; set -- \${line##*) }
  [ "$2" = 1 ] && [ "$name" != witness ] && echo "child $name $1"
done | sed 's/ [A-Y]$//' | sort
find /sys/fs/cgroup -type d | sed 's/^/cgroup /' | sort
find /run -xdev | sed 's/^/state /' | sort
grep RssAnon /proc/1/status
`;

/** Lines that are in one list only. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const rest = [...after];
  const gone = before.filter((line) => {
    const index = rest.indexOf(line);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
  return [...gone.map((line) => `gone: ${line}`), ...rest.map((line) => `left: ${line}`)];
}
