/**
 * What the agent and its zygote say to each other over a SOCK_SEQPACKET pair: one request, one answer, never two at a time.
 *
 *     agent                                    zygote
 *       | ---- request + descriptors ----------> |
 *       |                                        |  clone3 with CLONE_PARENT: the new process is the agent's child
 *       | <--- made + pidfd -------------------- |
 *       | <--- refused ------------------------- |  with the call and its errno
 */
import { decodeBytes, encodeBytes } from '../../base/text.ts';

/** Where the zygote finds its end of the pair. */
export const zygoteDescriptor = 3;
/** Longest packet of either direction. */
export const maxZygoteBytes = 4096;
/** Descriptors of one request: SCM_MAX_FD of the kernel (unix(7)). */
export const maxZygoteDescriptors = 253;

/** A process to be made. Its descriptors come with the packet: first those it gets, then the ones that are used and not kept. */
export interface ZygoteRequest {
  /** CLONE_NEW* bits. */
  readonly cloneFlags: number;
  readonly isDumpable: boolean;
  /** How many of the descriptors are for 0, 1, 2, ... of the process. */
  readonly own: number;
  /** Behind them: the cgroup and the pid namespace to be born in. */
  readonly hasCgroup: boolean;
  readonly hasPidNamespace: boolean;
  /** Last: namespaces that a first stage enters, by their CLONE_NEW* bit. */
  readonly firstStage: readonly number[];
}

export type ZygoteAnswer =
  | { readonly kind: 'made'; readonly pid: number }
  | { readonly kind: 'refused'; readonly call: string; readonly errno: number; readonly subject: string };

export function encodeZygoteMessage(message: ZygoteRequest | ZygoteAnswer): Uint8Array {
  return encodeBytes(JSON.stringify(message));
}

/** The zygote believes the agent, which is its parent and the only one with the other end. */
export function decodeZygoteRequest(bytes: Uint8Array): ZygoteRequest {
  return JSON.parse(decodeBytes(bytes)) as ZygoteRequest;
}

/** An answer; undefined for anything else. */
export function decodeZygoteAnswer(bytes: Uint8Array): ZygoteAnswer | undefined {
  try {
    const value = JSON.parse(decodeBytes(bytes)) as Record<string, unknown> | null;
    const { kind, pid, call, errno, subject } = value ?? {};
    if (kind === 'made' && Number.isSafeInteger(pid) && Number(pid) > 0) return { kind, pid: Number(pid) };
    if (kind !== 'refused' || typeof call !== 'string' || typeof errno !== 'number') return undefined;
    return { kind, call, errno, subject: typeof subject === 'string' ? subject : '' };
  } catch {
    return undefined;
  }
}
