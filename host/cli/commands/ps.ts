import type { Command } from 'commander';
import { StateStore, type SandboxRecord } from '../../sdk/state-store.ts';
import { wantsJson } from '../command-context.ts';
import { formatAge, formatTable } from '../table.ts';

function row(record: SandboxRecord): string[] {
  const status = record.status === 'exited' ? `exited ${record.exitCode ?? ''}`.trim() : record.status;
  const age = formatAge(Date.now() - Date.parse(record.createdAt));
  const machine = `${record.machine}/${record.accelerator ?? '?'}`;
  const size = `${record.cpus} x ${record.memoryMib}M`;
  return [record.name, status, age, machine, size, String(record.owner.pid), record.rootfs, record.args.join(' ')];
}

/** `kihon ps`: all sandboxes of this host. */
export function addPsCommand(program: Command): void {
  program
    .command('ps')
    .summary('list the sandboxes')
    .description('Lists the sandboxes that run, and the detached ones that have ended and were not removed by stop.')
    .option('--json', 'print as JSON')
    .action((_flags: unknown, command: Command) => {
      const records = new StateStore().list();
      if (wantsJson(command)) {
        process.stdout.write(`${JSON.stringify(records, null, 2)}\n`);
        return;
      }
      const head = ['NAME', 'STATUS', 'AGE', 'MACHINE', 'SIZE', 'PID', 'ROOTFS', 'COMMAND'];
      process.stdout.write(`${formatTable([head, ...records.map(row)])}\n`);
    });
}
