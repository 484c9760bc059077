/** Names that are not the method's own words (boot contract, 6.1). */
const SPECIAL: Readonly<Record<string, string>> = Object.assign(Object.create(null) as Record<string, string>, {
  UpdateEphemeralMounts: 'update_mounts',
  GetIPTables: 'get_iptables',
  SetIPTables: 'set_iptables',
});

/** Methods without a span: they come all the time, or wait for as long as a container lives. */
const UNTRACED: readonly string[] = [
  ...['WriteStdin', 'ReadStdout', 'ReadStderr', 'GetOOMEvent'],
  ...['MemAgentMemcgSet', 'MemAgentCompactSet', 'Check', 'Version'],
];

/** The span's name for a method of the API, e.g. `online_cpu_mem`; undefined when it has none. */
export function spanName(method: string): string | undefined {
  if (UNTRACED.includes(method)) return undefined;
  return (
    SPECIAL[method] ??
    method
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
      .toLowerCase()
  );
}
