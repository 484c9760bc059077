/** RFC 3339 in UTC with nanoseconds, as runc writes times. */
export function formatTimestamp(time: { readonly sec: bigint; readonly nsec: number }): string {
  const date = new Date(Number(time.sec) * 1000).toISOString().slice(0, 19);
  const fraction = String(time.nsec).padStart(9, '0').replace(/0+$/, '');
  return fraction === '' ? `${date}Z` : `${date}.${fraction}Z`;
}
