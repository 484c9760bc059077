/**
 * The exchange between the parent (agent or runtime command) and a process it launches, over a SOCK_SEQPACKET pair; one JSON
 * object per packet.
 *
 *     parent (launch, exec)                    new process (init)
 *        | ---- clone3, plan ------------------> |
 *        | <--- spawned + pidfd ---------------- |   when a first stage had to make the real one (spawn.ts), or a stage
 *        |                                       |   that stayed outside (init/go-on-inside.ts); then the terminal may come first
 *        | <--- need cgroup -------------------- |   when a service manager moves it into a unit
 *        | ---- continue ----------------------> |
 *        | <--- need id-maps ------------------- |   in a new user namespace
 *        | ---- continue ----------------------> |
 *        | <--- terminal + pty master ---------- |   once, when a terminal was asked for
 *        | <--- need runtime-hooks ------------- |   mounts are there, the root is not switched yet
 *        | ---- continue ----------------------> |
 *        | <--- descriptor + it ---------------- |   e.g. a seccomp listener
 *        | ---- continue ----------------------> |
 *        | <--- ready -------------------------- |   all is done except execve
 *        | ---- detach ------------------------> |   the start comes over a socket on disk, maybe from another process
 *        | ---- start -------------------------> |   or: the start comes from here
 *        | <--- failed ------------------------- |   instead of ready, or before it, or after start; the process exits
 *        | <--- executing ---------------------- |   the last word: what fails from here on is a `failed`, or a sudden death
 *        | <--- end of stream ------------------ |   after start: execve is done
 *
 * Silence, that is the end of the stream before `ready` or `failed`, means that the process died without a word. For the new
 * process the end of the stream before `start` or `detach` means that the launch was given up: it exits. Where nothing is to be done
 * between `ready` and `start`, and the process asks for nothing, `start` is said right after clone3 and waits for the process.
 */
import { decodeBytes, encodeBytes } from '../../base/text.ts';

/** Longest packet; the chain of a failure is cut to fit. */
export const maxPacketBytes = 64 * 1024;

/** Why a launch failed, whole: the step, the call with its errno, and every cause. */
export interface LaunchFailure {
  /** E.g. `mount proc on /proc`. */
  readonly step: string;
  /** Messages from the outermost to the innermost cause. */
  readonly chain: readonly string[];
  /** Code of the domain error to raise. */
  readonly code: string;
  /** Of the innermost failed call, when there is one. */
  readonly call?: string;
  readonly errno?: number;
  readonly errnoName?: string;
  readonly subject?: string;
}

/** What only the parent can do, having rights or being in the namespaces of the runtime. */
export type Need = 'cgroup' | 'id-maps' | 'time-offsets' | 'runtime-hooks';

const needs: ReadonlySet<unknown> = new Set<Need>(['cgroup', 'id-maps', 'time-offsets', 'runtime-hooks']);

/**
 * What the new process says. `created` are paths that it made on the root's own file system as mount points; the parent takes
 * them away when the launch comes to nothing.
 */
export type InitMessage =
  | { readonly type: 'spawned' }
  | { readonly type: 'terminal' }
  | { readonly type: 'executing' }
  | { readonly type: 'need'; readonly need: Need; readonly created: readonly string[] }
  | { readonly type: 'descriptor'; readonly name: string }
  /** Worth a line in the log; nothing failed because of it. */
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'ready'; readonly created: readonly string[] }
  | { readonly type: 'failed'; readonly failure: LaunchFailure; readonly created: readonly string[] };

/** What the parent says. */
export interface ParentMessage {
  readonly type: 'continue' | 'start' | 'detach';
}

/** Text fields longer than this are cut, so that a packet always fits. */
const maxTextLength = 1000;
const maxChainLength = 8;
/** Created paths beyond this many, or longer ones, are not reported and stay behind. */
const maxCreated = 100;
const maxCreatedLength = 400;

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}

/** JSON of a message with as many of the `created` paths as fit: a character may take six bytes. */
function encodeFitting(message: Readonly<Record<string, unknown>>, created: readonly string[]): Uint8Array {
  for (let count = Math.min(created.length, maxCreated); ; count = Math.floor(count / 2)) {
    const bytes = encodeBytes(JSON.stringify({ ...message, created: created.slice(0, count) }));
    if (bytes.length <= maxPacketBytes || count === 0) return bytes;
  }
}

/** Bytes of a message; the texts of a failure and the list of paths are cut to the size of a packet. */
export function encodeMessage(message: InitMessage | ParentMessage): Uint8Array {
  if (message.type === 'note') return encodeBytes(JSON.stringify({ type: 'note', text: cut(message.text) }));
  if (message.type !== 'ready' && message.type !== 'failed' && message.type !== 'need')
    return encodeBytes(JSON.stringify(message));
  const created = message.created.filter((path) => path.length <= maxCreatedLength);
  if (message.type === 'need') return encodeFitting({ type: 'need', need: message.need }, created);
  if (message.type === 'ready') return encodeFitting({ type: 'ready' }, created);
  const { failure } = message;
  const short: LaunchFailure = {
    ...failure,
    step: cut(failure.step),
    chain: failure.chain.slice(0, maxChainLength).map(cut),
    ...(failure.subject === undefined ? {} : { subject: cut(failure.subject) }),
  };
  return encodeFitting({ type: 'failed', failure: short }, created);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function readFailure(value: unknown): LaunchFailure | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { step, chain, code, call, errno, errnoName, subject } = value as Record<string, unknown>;
  if (!isText(step) || !isText(code) || !Array.isArray(chain) || !chain.every(isText)) return undefined;
  return {
    step,
    code,
    chain,
    ...(isText(call) ? { call } : {}),
    ...(typeof errno === 'number' ? { errno } : {}),
    ...(isText(errnoName) ? { errnoName } : {}),
    ...(isText(subject) ? { subject } : {}),
  };
}

function parseJson(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(decodeBytes(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A message of the new process; undefined for anything else. The process may be under attack, so nothing is taken on trust. */
export function decodeInitMessage(bytes: Uint8Array): InitMessage | undefined {
  const value = parseJson(bytes);
  if (value === undefined) return undefined;
  switch (value['type']) {
    case 'spawned':
    case 'terminal':
    case 'executing':
      return { type: value['type'] };
    case 'descriptor':
      return isText(value['name']) ? { type: 'descriptor', name: value['name'] } : undefined;
    case 'note':
      return isText(value['text']) ? { type: 'note', text: value['text'] } : undefined;
    default:
      return decodeReport(value);
  }
}

/** The messages with a list of created paths. */
function decodeReport(value: Record<string, unknown>): InitMessage | undefined {
  const created = value['created'];
  if (!Array.isArray(created) || !created.every(isText)) return undefined;
  if (value['type'] === 'ready') return { type: 'ready', created };
  if (value['type'] === 'need') {
    const need = value['need'];
    return needs.has(need) ? { type: 'need', need: need as Need, created } : undefined;
  }
  const failure = readFailure(value['failure']);
  return value['type'] !== 'failed' || failure === undefined ? undefined : { type: 'failed', failure, created };
}

/** The word of the parent; undefined for anything else. */
export function decodeParentMessage(bytes: Uint8Array): ParentMessage['type'] | undefined {
  const type = parseJson(bytes)?.['type'];
  return type === 'continue' || type === 'start' || type === 'detach' ? type : undefined;
}
