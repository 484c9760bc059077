/** Programs of the kernel's bpf(2), as far as cgroups need them. */
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_F_REPLACE,
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
} from '../abi/bpf.ts';
import { ENOSPC } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { SYS_bpf } from '../abi/syscalls.ts';
import { decodeBytes, encodeBytes } from '../base/text.ts';
import { addressOf } from './engine.ts';
import { Fd } from './fd.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

/** The kernel takes a shorter `union bpf_attr` than its own; these end after the last member we set. */
const LOAD_BYTES = layouts.bpf_prog_load.expected_attach_type + 4;
const ATTACH_BYTES = layouts.bpf_prog_attach.replace_bpf_fd + 4;
const QUERY_BYTES = layouts.bpf_prog_query.prog_cnt + 8;
const BY_ID_BYTES = layouts.bpf_prog_by_id.open_flags + 4;

/** What is kept of the verifier's words. */
const LOG_BYTES = 64 << 10;
const INSTRUCTION_BYTES = 8;

/** The kernel refused a program; `verifierLog` is the end of what its verifier said, '' when it said nothing. */
export class ProgramRefused extends Error {
  override readonly name = 'ProgramRefused';
  readonly verifierLog: string;

  constructor(verifierLog: string, cause: unknown) {
    super(`the kernel refuses the program${verifierLog === '' ? '' : ` (${verifierLog})`}`, { cause });
    this.verifierLog = verifierLog;
  }
}

/** Loads a device program (BPF_PROG_LOAD). `name` is for tools: at most 15 letters, digits, `_` and `.`. */
export function loadDeviceProgram(instructions: Uint8Array, name: string): Fd {
  const at = layouts.bpf_prog_load;
  const license = encodeBytes('Apache-2.0\0');
  const view = new StructView(LOAD_BYTES)
    .setU32(at.prog_type, BPF_PROG_TYPE_CGROUP_DEVICE)
    .setU32(at.insn_cnt, instructions.length / INSTRUCTION_BYTES)
    .setU64(at.insns, addressOf(instructions))
    .setU64(at.license, addressOf(license))
    .setU32(at.expected_attach_type, BPF_CGROUP_DEVICE);
  view.bytes.set(encodeBytes(name).subarray(0, 15), at.prog_name);
  const result = trySyscall(SYS_bpf, BPF_PROG_LOAD, view.bytes, LOAD_BYTES);
  if (result >= 0) return new Fd(result, `bpf program ${name}`);
  // Once more with a log: only a failure pays for the verifier's words.
  const log = new Uint8Array(LOG_BYTES);
  view.setU32(at.log_level, 1).setU32(at.log_size, LOG_BYTES).setU64(at.log_buf, addressOf(log));
  const again = trySyscall(SYS_bpf, BPF_PROG_LOAD, view.bytes, LOAD_BYTES);
  if (again >= 0) return new Fd(again, `bpf program ${name}`);
  throw new ProgramRefused(lastWords(log), sysError('bpf', again === -ENOSPC ? result : again, `load ${name}`));
}

/** The end of the log on one line. */
function lastWords(log: Uint8Array): string {
  const end = log.indexOf(0);
  const text = decodeBytes(log.subarray(0, end === -1 ? log.length : end)).trim();
  return text.slice(-500).replaceAll('\n', '; ');
}

/**
 * Attaches a device program to a cgroup, beside those of other cgroups above it (BPF_F_ALLOW_MULTI); with `replaced`, in that
 * program's place and without a moment in between (BPF_F_REPLACE, Linux 5.6).
 */
export function attachDeviceProgram(cgroup: Fd, program: Fd, replaced?: Fd): void {
  const at = layouts.bpf_prog_attach;
  const view = new StructView(ATTACH_BYTES)
    .setU32(at.target_fd, cgroup.number)
    .setU32(at.attach_bpf_fd, program.number)
    .setU32(at.attach_type, BPF_CGROUP_DEVICE)
    .setU32(at.attach_flags, BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE))
    .setU32(at.replace_bpf_fd, replaced?.number ?? 0);
  syscall('bpf', `attach to ${cgroup.what}`, SYS_bpf, BPF_PROG_ATTACH, view.bytes, ATTACH_BYTES);
}

export function detachDeviceProgram(cgroup: Fd, program: Fd): void {
  const at = layouts.bpf_prog_attach;
  const view = new StructView(ATTACH_BYTES)
    .setU32(at.target_fd, cgroup.number)
    .setU32(at.attach_bpf_fd, program.number)
    .setU32(at.attach_type, BPF_CGROUP_DEVICE);
  syscall('bpf', `detach from ${cgroup.what}`, SYS_bpf, BPF_PROG_DETACH, view.bytes, ATTACH_BYTES);
}

/** The kernel attaches at most 64 programs of a kind to a cgroup (BPF_CGROUP_MAX_PROGS). */
const MAX_PROGRAMS = 64;

/** Ids of the device programs attached to this cgroup itself. */
export function attachedDevicePrograms(cgroup: Fd): readonly number[] {
  const at = layouts.bpf_prog_query;
  const ids = new StructView(MAX_PROGRAMS * 4);
  const view = new StructView(QUERY_BYTES)
    .setU32(at.target_fd, cgroup.number)
    .setU32(at.attach_type, BPF_CGROUP_DEVICE)
    .setU64(at.prog_ids, addressOf(ids.bytes))
    .setU32(at.prog_cnt, MAX_PROGRAMS);
  syscall('bpf', `query ${cgroup.what}`, SYS_bpf, BPF_PROG_QUERY, view.bytes, QUERY_BYTES);
  return Array.from({ length: Math.min(MAX_PROGRAMS, view.u32(at.prog_cnt)) }, (_, index) => ids.u32(index * 4));
}

/** A program by its id (BPF_PROG_GET_FD_BY_ID). */
export function openProgram(id: number): Fd {
  const view = new StructView(BY_ID_BYTES).setU32(layouts.bpf_prog_by_id.prog_id, id);
  const number = syscall('bpf', `open program ${id}`, SYS_bpf, BPF_PROG_GET_FD_BY_ID, view.bytes, BY_ID_BYTES);
  return new Fd(number, `bpf program ${id}`);
}
