import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeArguments, repository } from '../support/repository.ts';

interface Report {
  readonly seed: number;
  readonly outcomes: readonly { readonly scenario: string; readonly problems: readonly string[] }[];
}

/** The report, also of a soak that failed. */
function soak(charts: string): Promise<{ status: unknown; report: Report }> {
  const command = nodeArguments('test/soak/main.ts', '--short', '--json', '--charts', charts);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, { cwd: repository, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      try {
        resolve({ status: error === null ? 0 : error.code, report: JSON.parse(stdout) as Report });
      } catch {
        reject(new Error(`the soak gave no report: ${stderr}`));
      }
    });
  });
}

it(
  'make soak: the sandbox survives its hosts and its containers, in the short form',
  { timeout: 300_000 },
  async () => {
    const charts = mkdtempSync(join(tmpdir(), 'kihon-soak-charts-'));
    try {
      const { status, report } = await soak(charts);
      const broken = report.outcomes.filter(({ problems }) => problems.length > 0);
      expect(broken, `seed ${report.seed}`).toEqual([]);
      expect(status).toBe(0);
      expect(report.outcomes.map(({ scenario }) => scenario)).toEqual([
        ...['two-hosts', 'host-returns', 'race-remove', 'race-destroy'],
        ...['execs', 'containers', 'unread-output', 'zombies'],
      ]);
      expect(readdirSync(charts)).toEqual(expect.arrayContaining(['latency.svg', 'memory-execs-process.svg']));
    } finally {
      rmSync(charts, { recursive: true, force: true });
    }
  },
);
