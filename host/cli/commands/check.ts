import type { Command } from 'commander';
import { EXIT_FAILURE } from '../../sdk/exit-status.ts';
import { describeHost, inspectHost } from '../host-inspection.ts';
import { wantsJson, type SetExitCode } from '../command-context.ts';
import { formatTable } from '../table.ts';
import { checkKata, KATA_PREFIX } from './check-kata.ts';

interface CheckFlags {
  /** True without a file: the configuration that Kata itself would find. */
  readonly kata?: string | true;
  readonly prefix: string;
}

/** `kihon check`: what this host can do, what is missing, and how to get it. */
export function addCheckCommand(program: Command, setExitCode: SetExitCode): void {
  program
    .command('check')
    .summary('tell what this host can do and what is missing')
    .description('Looks for everything that running a VM takes. The exit code is 1 when something is missing.')
    .option('--json', 'print as JSON')
    .option('--kata [file]', "read Kata's configuration and say what our guest in it would change")
    .option('--prefix <dir>', 'with --kata: where our guest is, or will be, installed', KATA_PREFIX)
    .action(async (flags: CheckFlags, command: Command) => {
      if (flags.kata !== undefined) {
        const file = flags.kata === true ? undefined : flags.kata;
        if (!checkKata(file, flags.prefix, wantsJson(command))) setExitCode(EXIT_FAILURE);
        return;
      }
      const [host, findings] = await Promise.all([describeHost(), inspectHost()]);
      const isReady = findings.every((finding) => finding.status !== 'missing');
      if (wantsJson(command)) {
        process.stdout.write(`${JSON.stringify({ ready: isReady, host, findings }, null, 2)}\n`);
      } else {
        const facts = Object.entries(host).map(([name, value]) => [name, '', String(value)]);
        const rows = findings.map(({ name, status, detail, hint }) => [
          name,
          status,
          hint === undefined ? detail : `${detail} (${hint})`,
        ]);
        process.stdout.write(`${formatTable([...facts, ...rows])}\n`);
        process.stdout.write(isReady ? 'This host can run VMs.\n' : 'Something is missing: see above.\n');
      }
      if (!isReady) setExitCode(EXIT_FAILURE);
    });
}
