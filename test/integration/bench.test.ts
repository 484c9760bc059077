import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { nodeArguments, repository } from '../support/repository.ts';

const run = promisify(execFile);

/** Samples or one value; never how much. */
const amount: unknown = expect.toSatisfy(
  (value: unknown) =>
    (typeof value === 'number' ? value : (value as { median?: unknown } | undefined)?.median) !== undefined,
);

it('make bench measures size and start beside Node, and a container beside runc', async () => {
  const charts = mkdtempSync(join(tmpdir(), 'kihon-bench-charts-'));
  try {
    const command = nodeArguments('test/bench/main.ts', '--short', '--json', '--charts', charts, 'size', 'container');
    const { stdout } = await run(process.execPath, command, { cwd: repository });
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({
      size: {
        title: 'Size and start',
        comparisons: [
          {
            rows: [
              { name: 'program with its libraries', unit: 'MB', ours: amount, peers: { node: amount } },
              { name: 'initrd', unit: 'MB', ours: amount },
              { name: 'resident memory, idle', unit: 'MB', ours: amount, peers: { node: amount } },
              { name: 'of it anonymous', unit: 'MB', ours: amount, peers: { node: amount } },
              { name: 'exec to first answer', unit: 'ms', ours: amount, peers: { node: amount } },
            ],
          },
        ],
      },
    });
    const { container } = report as { container: object };
    if ('skipped' in container) expect(container.skipped).toContain('runc');
    else
      expect(container).toMatchObject({
        comparisons: [
          {
            rows: expect.arrayContaining([
              expect.objectContaining({ name: 'create, start, wait and remove', peers: { runc: amount } }),
              expect.objectContaining({ name: 'exec and wait', peers: { runc: amount } }),
            ]) as unknown,
          },
        ],
      });
  } finally {
    rmSync(charts, { recursive: true, force: true });
  }
});
