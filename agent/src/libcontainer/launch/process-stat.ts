/** Field 22 of `/proc/<pid>/stat` counted from field 3, the state (proc_pid_stat(5)). */
const startTimeIndex = 19;

/**
 * Start time in the text of `/proc/<pid>/stat`; undefined when only the exit status is left of the process, or the text is none of
 * that kind. The name in parentheses may hold anything, so counting begins behind the last one.
 */
export function startTimeOf(stat: string): bigint | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[startTimeIndex] ?? '';
  if (state === 'Z' || state === 'X' || !/^[0-9]{1,20}$/.test(startTime)) return undefined;
  return BigInt(startTime);
}
