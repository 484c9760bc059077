/**
 * A script that fetches a URL with busybox. An IPv6 address is tentative for a second or two after its interface came up; a connection
 * begun then has the wrong source address and is never answered, so an attempt has an end and is followed by another.
 */
export function fetchScript(url: string): string {
  return `for attempt in $(seq 30); do timeout 5 wget -q -O - ${url} && exit 0; sleep 0.3; done; exit 1`;
}
