import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** Every file imports one other; true when the rule must accept it. */
const cases: readonly (readonly [from: string, to: string, isAllowed: boolean])[] = [
  ['agent/src/base/a.ts', 'agent/src/abi/x.ts', false],
  ['agent/src/abi/a.ts', 'agent/src/base/x.ts', true],
  ['agent/src/codec/a.ts', 'agent/src/sys/x.ts', false],
  ['agent/src/oci/a.ts', 'agent/src/sys/x.ts', false],
  ['agent/src/oci/b.ts', 'proto/gen/x.ts', true],
  ['agent/src/oci/c.ts', 'agent/src/oci/from-json/x.ts', false],
  ['agent/src/oci/d.ts', 'agent/src/codec/x.ts', false],
  ['agent/src/oci/e.ts', 'agent/src/codec/yaml/x.ts', true],
  ['agent/src/oci/cdi/a.ts', 'agent/src/oci/from-json/x.ts', true],
  ['agent/src/policy/a.ts', 'agent/src/codec/x.ts', true],
  ['agent/src/policy/b.ts', 'agent/src/sys/x.ts', false],
  ['agent/src/runtime/a.ts', 'agent/src/oci/from-json/x.ts', true],
  ['agent/src/sys/a.ts', 'agent/src/codec/x.ts', true],
  ['agent/src/sys/b.ts', 'agent/src/sys/engine.ts', true],
  ['agent/src/guest/a.ts', 'agent/src/sys/engine.ts', false],
  ['agent/src/guest/b.ts', 'agent/src/libcontainer/plan/x.ts', false],
  ['agent/src/guest/c.ts', 'agent/src/sys/x.ts', true],
  ['agent/src/libcontainer/plan/a.ts', 'agent/src/sys/x.ts', false],
  ['agent/src/libcontainer/init/a.ts', 'agent/src/libcontainer/launch/x.ts', false],
  ['agent/src/libcontainer/init/b.ts', 'agent/src/libcontainer/rootfs/x.ts', true],
  ['agent/src/libcontainer/launch/a.ts', 'agent/src/libcontainer/init/x.ts', false],
  ['agent/src/sandbox/a.ts', 'agent/src/libcontainer/init/x.ts', false],
  ['agent/src/sandbox/b.ts', 'agent/src/api/x.ts', false],
  ['agent/src/api/a.ts', 'agent/src/sandbox/x.ts', true],
  ['agent/src/entry/init.ts', 'agent/src/sandbox/x.ts', false],
  ['agent/src/entry/agent.ts', 'agent/src/api/x.ts', true],
  ['agent/src/entry/oci.ts', 'agent/src/runtime/x.ts', true],
  ['agent/src/entry/oci/a.ts', 'agent/src/runtime/x.ts', true],
  ['agent/src/entry/oci/b.ts', 'agent/src/sandbox/x.ts', false],
  ['agent/src/runtime/a.ts', 'agent/src/libcontainer/launch/x.ts', true],
  ['agent/src/runtime/b.ts', 'agent/src/api/x.ts', false],
  ['agent/src/runtime/c.ts', 'agent/src/guest/x.ts', false],
  ['agent/src/runtime/d.ts', 'agent/src/entry/x.ts', false],
  ['agent/src/libcontainer/launch/b.ts', 'agent/src/runtime/x.ts', false],
  ['host/cli/a.ts', 'agent/src/sys/x.ts', false],
  ['host/client/a.ts', 'agent/src/codec/x.ts', true],
  ['host/vm/a.ts', 'host/sdk/x.ts', false],
  ['rootfs-builder/src/a.ts', 'agent/src/codec/x.ts', false],
  ['kernel-config/src/a.ts', 'rootfs-builder/src/x.ts', false],
  ['rootfs-builder/src/b.ts', 'test/support/x.ts', false],
];

describe('the import-direction rule', () => {
  let folder = '';
  const violations = new Set<string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-imports-'));
    const write = async (path: string, text: string): Promise<void> => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    };
    await write('tsconfig.json', '{ "compilerOptions": { "module": "NodeNext", "allowImportingTsExtensions": true } }');
    for (const [from, to] of cases) {
      await write(to, 'export type X = 1;\n');
      const up = '../'.repeat(from.split('/').length - 1);
      // A type is enough: whoever knows the types of a higher layer depends on it.
      await write(from, `import type { X } from '${up}${to}';\nexport const y: X = 1;\n`);
    }
    await write('agent/src/base/cycle-a.ts', "import { b } from './cycle-b.ts';\nexport const a = (): unknown => b;\n");
    await write('agent/src/base/cycle-b.ts', "import { a } from './cycle-a.ts';\nexport const b = (): unknown => a;\n");
    await write('agent/src/guest/node.ts', "import { readFileSync } from 'node:fs';\nexport const r = readFileSync;\n");
    await write('host/vm/node.ts', "import { readFileSync } from 'node:fs';\nexport const r = readFileSync;\n");
    const { stdout, code } = await new Promise<{ stdout: string; code: unknown }>((done) => {
      const args = [depcruise, '--config', join(root, '.dependency-cruiser.cjs'), '-T', 'err'];
      execFile(
        process.execPath,
        [...args, 'agent', 'host', 'rootfs-builder', 'kernel-config'],
        { cwd: folder, maxBuffer: 64 << 20 },
        (error, stdout) => {
          done({ stdout, code: error?.code ?? 0 });
        },
      );
    });
    expect(code).not.toBe(0);
    for (const [, from, to] of stdout.matchAll(/error \S+: (\S+) →\s+(\S+)/g)) violations.add(`${from} -> ${to}`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(cases)('%s -> %s: %s', (from, to, isAllowed) => {
    expect(!violations.has(`${from} -> ${to}`)).toBe(isAllowed);
  });

  it('refuses a cycle', () => {
    expect(violations).toContain('agent/src/base/cycle-a.ts -> agent/src/base/cycle-b.ts');
  });

  it("refuses Node's modules in the agent only", () => {
    const fs = [...violations].filter((violation) => violation.endsWith('fs'));
    expect(fs).toEqual(['agent/src/guest/node.ts -> fs']);
  });
});
