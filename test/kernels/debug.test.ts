import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { products } from '../support/repository.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { TestVm } from '../support/vm/test-vm.ts';

/** Counts with a probe how often the kernel opens a file while `true` is run. */
const PROBE = `
  mkdir /tracing && mount -t tracefs tracefs /tracing && cd /tracing
  grep -qw function available_tracers && echo tracer
  test -d events/syscalls/sys_enter_openat && echo syscalls
  echo 'p:opened do_sys_openat2' >kprobe_events
  echo 1 >events/kprobes/opened/enable
  cat /proc/self/status >/dev/null
  echo 0 >events/kprobes/opened/enable
  grep -q ' opened: ' trace && echo probe
  echo >kprobe_events
  cd / && umount /tracing`;

describe.skipIf(findKernel('debug') === undefined)('the debug kernel', () => {
  let vm: TestVm | undefined;
  beforeAll(async () => {
    vm = await TestVm.boot({ kernel: 'debug', hasWitness: true });
  }, 240_000);
  afterAll(async () => {
    await vm?.[Symbol.asyncDispose]();
  });

  it('traces functions and system calls, and takes probes', async () => {
    expect(await vm?.witness(PROBE)).toBe('tracer\nsyscalls\nprobe\n');
  });

  it('shows its types to BPF programs, and the names of its functions', async () => {
    expect(Number(await vm?.witness('wc -c </sys/kernel/btf/vmlinux'))).toBeGreaterThan(1 << 20);
    expect(await vm?.witness('grep -c " tcp_sendmsg$" /proc/kallsyms')).toBe('1\n');
  });

  it('has lines of the source for a debugger', () => {
    const map = readFileSync(join(products, 'System.map-debug'), 'utf8');
    const address = /^([0-9a-f]+) T tcp_sendmsg$/m.exec(map)?.[1];
    const lines = execFileSync('addr2line', ['-fe', join(products, 'vmlinux-debug.debug'), String(address)]);
    expect(String(lines)).toMatch(/^tcp_sendmsg\n.*\/net\/ipv4\/tcp\.c:\d+\n$/);
  });
});
