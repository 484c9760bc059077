/** What the builders read: archives, modules, kernel configurations and logs. */
import fc from 'fast-check';
import { parseFragment, FragmentError } from '../../../kernel-config/src/fragment/parse-fragment.ts';
import { parseDotConfig } from '../../../kernel-config/src/kconfig/dot-config.ts';
import { evaluate, parseExpression, symbolsOf } from '../../../kernel-config/src/kconfig/expression.ts';
import { readKconfigTree } from '../../../kernel-config/src/kconfig/kconfig-tree.ts';
import { parseBootLog, profileLog } from '../../../kernel-config/src/profile/boot-log.ts';
import { BuildError } from '../../../rootfs-builder/src/build-error.ts';
import { CpioReader, readCpio } from '../../../rootfs-builder/src/cpio/reader.ts';
import { parseFileSpec } from '../../../rootfs-builder/src/initrd/file-spec.ts';
import { needsLoader } from '../../../rootfs-builder/src/modules/elf.ts';
import { readModuleInfo } from '../../../rootfs-builder/src/modules/modinfo.ts';
import { hex, promise, promiseEqual } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes, mutatedText, pieces } from '../support/fuzz-target.ts';

/** A newc record: magic, thirteen fields, name, data, each padded to four bytes. */
function record(name: string, mode: number, data = ''): Buffer {
  const fields = [1, mode, 0, 0, 1, 0, data.length, 0, 0, 5, 1, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  const padded = (text: string): string => text.padEnd((text.length + 3) & ~3, '\0');
  return Buffer.from(padded(head) + padded(data), 'latin1');
}

const archive = Buffer.concat([
  record('.', 0o40755),
  record('init', 0o100755, 'hello'),
  record('dev/null', 0o20666),
  record('TRAILER!!!', 0),
]);

const cpio = fuzzTarget({
  name: 'cpio-archive',
  input: fc.tuple(
    mutatedBytes([archive, Buffer.concat([archive, Buffer.alloc(64), archive])]),
    fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
  ),
  errors: [BuildError],
  run: ([bytes, lengths]) => {
    const outcome = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof BuildError)) throw error;
        return 'refused';
      }
    };
    const whole = outcome(() => readCpio(bytes).map(({ name, data }) => [name, data.join()]));
    const cut = outcome(() => {
      const reader = new CpioReader();
      const names: unknown[] = [];
      for (const piece of pieces(bytes, lengths))
        for (const event of reader.push(piece)) {
          if (event.kind === 'entry') names.push([event.header.name, '']);
          else if (event.kind === 'data') {
            const last = names.at(-1) as [string, string];
            last[1] = last[1] === '' ? event.bytes.join() : `${last[1]},${event.bytes.join()}`;
          }
        }
      reader.end();
      return names;
    });
    promiseEqual('cuts do not matter', cut, whole);
  },
});

/** The smallest ELF file with a `.modinfo` section, and a program header. */
function elf(modinfo: string): Buffer {
  const names = Buffer.from('\0.shstrtab\0.modinfo\0', 'latin1');
  const body = Buffer.from(modinfo, 'latin1');
  const header = Buffer.alloc(64);
  header.set(hex('7f454c46 02 01'));
  header.writeBigUInt64LE(BigInt(64 + names.length + body.length), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(1, 62);
  const sections = [
    [0, 0, 0],
    [1, 64, names.length],
    [11, 64 + names.length, body.length],
  ].map(([name = 0, start = 0, size = 0]) => {
    const section = Buffer.alloc(64);
    section.writeUInt32LE(name, 0);
    section.writeBigUInt64LE(BigInt(start), 24);
    section.writeBigUInt64LE(BigInt(size), 32);
    return section;
  });
  return Buffer.concat([header, names, body, ...sections]);
}

const modules = fuzzTarget({
  name: 'kernel-module',
  input: mutatedBytes([elf('license=GPL\0depends=libcrc32c,virtio-ring\0softdep=pre: crc32c post: x\0'), elf('')]),
  errors: [BuildError],
  run: (bytes) => {
    needsLoader(bytes, 'm');
    promise(
      'names are names',
      readModuleInfo(bytes, 'm').depends.every((name) => name !== ''),
    );
  },
});

const fragments = fuzzTarget({
  name: 'kernel-fragment',
  input: mutatedText([
    '# Comment\nCONFIG_VSOCKETS=y\n# CONFIG_MODULES is not set\nCONFIG_NR_CPUS=64\nCONFIG_CMDLINE="a \\"b\\" c"\nCONFIG_X=0x10\n',
  ]),
  errors: [FragmentError],
  run: (text) => {
    parseDotConfig(text);
    promise(
      'values are values',
      parseFragment('f', text).every(({ value }) => value !== 'm' && !value.includes('\n')),
    );
  },
});

const expressions = fuzzTarget({
  name: 'kconfig-expression',
  input: mutatedText([
    'NET && (VIRTIO || VIRTIO_MMIO) && !EXPERT',
    'X86_64 = y || ARCH != "arm" && $(cc-option,-x)',
    `${'!('.repeat(50)}A${')'.repeat(50)}`,
  ]),
  errors: [],
  run: (text) => {
    const expression = parseExpression(text);
    if (expression === undefined) return;
    evaluate(expression, (symbol) => (symbol.length % 2 === 0 ? 'y' : undefined));
    promise(
      'symbols are names',
      symbolsOf(expression).every((name) => /^\w+$/.test(name)),
    );
  },
});

const tree = fuzzTarget({
  name: 'kconfig-tree',
  input: mutatedText([
    'mainmenu "x"\nmenu "m"\ndepends on NET\nconfig A\n\tbool "a" if B\n\tdepends on C && \\\n\t  D\n\thelp\n\t  words\nendmenu\nsource "Kconfig"\n',
    'choice\n\tprompt "p"\nconfig X\n\ttristate\nendchoice\nif Y\ncomment "c"\nsource "arch/$(SRCARCH)/Kconfig"\nendif\n',
  ]),
  errors: [],
  run: (text) => {
    // The second file sources itself no further, or every mutation would multiply.
    const declarations = readKconfigTree('top', 'x86', (path) =>
      path === 'top' ? text : path === 'Kconfig' ? 'config Q\n\tbool\n' : undefined,
    );
    promise(
      'places are told',
      [...declarations.values()].flat().every(({ place }) => /:\d+$/.test(place)),
    );
  },
});

const bootLog = fuzzTarget({
  name: 'boot-log',
  input: mutatedText([
    '[    0.000000] Linux version 6.12\n[    0.100000] calling  a+0x0/0x1 @ 1\n[    0.200001] initcall a+0x0/0x1 returned 0 after 100 usecs\n[    1.5] bad\n[    0.300000] Run /init as init process\n',
  ]),
  errors: [],
  run: (text) => {
    const { gaps } = profileLog(parseBootLog(text));
    promise(
      'gaps are positive',
      gaps.every(({ durationMs }) => durationMs > 0),
    );
  },
});

const fileSpec = fuzzTarget({
  name: 'file-spec',
  input: mutatedText(['/bin/true:/usr/bin/true:0755', 'a:/b', 'a:b:644']),
  errors: [BuildError],
  run: (text) => {
    const { mode, path } = parseFileSpec(text);
    promise('a mode is one, a path is relative', (mode ?? 0) <= 0o7777 && !path.startsWith('/'));
  },
});

export const builderTargets: readonly FuzzTarget[] = [cpio, modules, fragments, expressions, tree, bootLog, fileSpec];
