import type { AbortSignal } from '../../base/abort.ts';
import { DomainError, invalidArgument } from '../../base/errors.ts';
import { decodeBytes } from '../../base/text.ts';
import { runCommand } from '../../sys/command.ts';
import { exists } from '../../sys/file.ts';
import type { OffloadContext } from '../../sys/offload.ts';

/** Where images have them, best first. */
const DIRECTORIES = ['/usr/sbin', '/sbin'];
/** Seconds that the tool waits for the lock of other users (boot contract, 8.8). */
const LOCK_WAIT = '5';
const DEADLINE_MS = 30_000;
/** Rules of a guest; an answer must fit a frame. */
const MAX_BYTES = 3 << 20;

function find(name: string): string {
  const path = DIRECTORIES.map((directory) => `${directory}/${name}`).find((candidate) => exists(candidate));
  if (path === undefined) throw new DomainError('internal', `${name}: not in this guest's image`);
  return path;
}

const tool = (isIpv6: boolean, what: 'save' | 'restore'): string => find(`${isIpv6 ? 'ip6' : 'ip'}tables-${what}`);

/** What `iptables-save` prints; its exit code says nothing. */
export async function getIptables(context: OffloadContext, isIpv6: boolean, signal: AbortSignal): Promise<Uint8Array> {
  const path = tool(isIpv6, 'save');
  const command = { path, argv: [path], env: [], maxOutputBytes: MAX_BYTES, deadlineMs: DEADLINE_MS, signal };
  return (await runCommand(context, command)).stdout;
}

/** Hands rules to `iptables-restore` and gives what it prints. Throws with its words when it refuses them. */
export async function setIptables(
  context: OffloadContext,
  isIpv6: boolean,
  rules: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (rules.length > MAX_BYTES) throw invalidArgument('data', `${rules.length} bytes of rules, at most ${MAX_BYTES}`);
  const path = tool(isIpv6, 'restore');
  const argv = [path, '--wait', LOCK_WAIT];
  const command = { path, argv, env: [], stdin: rules, maxOutputBytes: MAX_BYTES, deadlineMs: DEADLINE_MS, signal };
  const { status, stdout, stderr } = await runCommand(context, command);
  if (status.kind === 'exited' && status.code === 0) return stdout;
  const how = status.kind === 'exited' ? `exit code ${status.code}` : `signal ${status.signal}`;
  throw new DomainError('internal', `${path}: ${how}: ${decodeBytes(stderr).trim()}`);
}
