import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runAsInit } from '../../support/vm/run-as-init.ts';

it('boot leaves the initial ramfs empty and the guest as the contract says (MNT-15)', async () => {
  const run = await runAsInit(join(import.meta.dirname, 'boot-program.ts'));
  // The kernel writes on the same console, and the child that executes the agent says what it is.
  const lines = run.console.filter((line) => /^(ok|FAIL) /.test(line));
  console.log(lines.find((line) => line.includes('boot took')));
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(lines.at(-1), run.console.join('\n')).toBe('ok the program runs to its end');
  expect(lines.length).toBeGreaterThan(20);
  expect(run.console.join('\n')).toContain('kihon-oci');
  expect(run.status).toBe(0);
});

it('a VM without console boots and powers itself off', async () => {
  const run = await runAsInit(join(import.meta.dirname, 'boot-program.ts'), { hasNoConsole: true });
  expect(run.console).toEqual([]);
  // A panic resets the machine, which ends QEMU the same way but only after the second of `panic=1`; a hang ends in a timeout.
  expect(run.status).toBe(0);
});
