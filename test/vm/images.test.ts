import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { products } from '../support/repository.ts';
import { describeRow, proveMeasured, proveRow, type MatrixRow } from '../support/vm/image-matrix.ts';

/** One row for each way of attaching a root and entering a kernel; `make test-images` has the whole matrix. */
const rows: readonly MatrixRow[] = [
  { base: 'none', format: 'disk', filesystem: 'ext4', machine: 'microvm', kernel: 'vmlinux' },
  { base: 'busybox', format: 'disk', filesystem: 'erofs', isMeasured: true, machine: 'q35', kernel: 'vmlinuz' },
  { base: 'none', format: 'disk', filesystem: 'erofs', attachment: 'nvdimm', machine: 'q35', kernel: 'vmlinux' },
];

describe('a guest boots and runs a container from', { timeout: 300_000 }, () => {
  for (const row of rows) {
    const kernel = join(products, row.kernel ?? 'vmlinux');
    if (existsSync(kernel)) it(describeRow(row), () => proveRow(row, kernel));
    else it.skip(`${describeRow(row)}: needs the lean kernel (make kernel)`, () => undefined);
  }
});

const lean = join(products, 'vmlinux');
it.skipIf(!existsSync(lean))(
  'a measured disk with a changed byte does not boot, but without its hashes',
  { timeout: 300_000 },
  () => proveMeasured(lean),
);
