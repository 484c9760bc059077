import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildKernel } from './build/build-kernel.ts';
import { checkConfiguration } from './build/check-configuration.ts';
import { REPOSITORY } from './build/cache-folder.ts';
import { BuildFailure, BuildInterrupted } from './build/failure.ts';
import { CONFIGURATIONS, findConfiguration, type KernelConfiguration } from './configurations.ts';
import { listFragments } from './fragment/load-fragments.ts';
import { FragmentError } from './fragment/parse-fragment.ts';
import { profileBoot } from './profile/profile-boot.ts';

const USAGE = `usage: main.ts COMMAND [OPTIONS]

  build    --config NAME   build a kernel, or take it from the cache, and put it into the output folder
  check    --config NAME   only merge the fragments and check that the kernel source honours all of them
  profile  [--kernel FILE] start a kernel under QEMU without KVM and print where its boot time goes
  list                     print the configurations and fragments

  --config NAME    ${CONFIGURATIONS.map(({ name }) => name).join(' or ')} (default: lean)
  --with NAME      add a fragment; may be repeated
  --output DIR     output folder (default: build/x86_64)
  --jobs N         compilers at once (default: the number of processors)
  --source FILE    kernel source tarball (default: that of the package linux-source-6.12)
  --fresh          build even if the cache has it, and from an empty object tree
  --kernel FILE    kernel to profile (default: build/x86_64/vmlinux)
  --top N          how many of the slowest initcalls to print (default: 15)
`;

/** Only x86_64 has fragments so far. */
const ARCH = 'x86_64';

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: 'string', default: 'lean' },
      with: { type: 'string', multiple: true, default: [] },
      output: { type: 'string', default: join(REPOSITORY, 'build', ARCH) },
      jobs: { type: 'string', default: String(availableParallelism()) },
      source: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      kernel: { type: 'string', default: join(REPOSITORY, 'build', ARCH, 'vmlinux') },
      top: { type: 'string', default: '15' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined || rest.length > 0) {
    process.stdout.write(USAGE);
    if (!values.help) process.exitCode = 2;
    return;
  }
  const common = {
    arch: ARCH,
    extraFragments: values.with,
    signal,
    out: process.stderr,
    ...(values.source === undefined ? {} : { tarball: values.source }),
  };
  switch (command) {
    case 'build': {
      const built = await buildKernel({
        ...common,
        configuration: configurationNamed(values.config),
        outputFolder: values.output,
        jobs: positiveInteger('--jobs', values.jobs),
        isFresh: values.fresh,
      });
      const { record, isFromCache } = built;
      const mebibytes = (bytes: number): string => `${(bytes / 1048576).toFixed(2)} MiB`;
      process.stdout.write(
        `kernel ${record.configuration} ${record.kernelVersion}${isFromCache ? ' (cached)' : ''}: ` +
          `bzImage ${mebibytes(record.vmlinuzBytes)}, vmlinux ${mebibytes(record.vmlinuxBytes)}\n` +
          built.files.map((file) => `  ${file}\n`).join(''),
      );
      return;
    }
    case 'check': {
      const configuration = configurationNamed(values.config);
      const count = await checkConfiguration({ ...common, configuration });
      process.stdout.write(`kernel ${configuration.name}: all ${count} requested symbols survive\n`);
      return;
    }
    case 'profile':
      process.stdout.write(
        await profileBoot({ kernel: values.kernel, top: positiveInteger('--top', values.top), signal }),
      );
      return;
    case 'list':
      for (const { name, purpose, fragments } of CONFIGURATIONS) {
        process.stdout.write(`${name}: ${purpose}\n  ${fragments.join(' ')}\n`);
      }
      process.stdout.write(`all fragments: ${(await listFragments()).join(' ')}\n`);
      return;
    default:
      throw new BuildFailure(`no command "${command}"; see --help`);
  }
}

function configurationNamed(name: string): KernelConfiguration {
  const configuration = findConfiguration(name);
  if (configuration) return configuration;
  throw new BuildFailure(`no configuration "${name}"; there are: ${CONFIGURATIONS.map((c) => c.name).join(', ')}`);
}

function positiveInteger(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new BuildFailure(`${option} takes a number from 1, not "${text}"`);
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruption.abort(new BuildInterrupted(signal));
  });
}

try {
  await main(process.argv.slice(2), interruption.signal);
} catch (error) {
  if (error instanceof BuildInterrupted) {
    process.stderr.write(`${error.message}; what was built so far is kept\n`);
    process.exitCode = error.signal === 'SIGINT' ? 130 : 143;
  } else if (error instanceof BuildFailure || error instanceof FragmentError || isArgumentError(error)) {
    process.stderr.write(`kernel: ${error.message}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}

/** parseArgs reports a wrong option by code. */
function isArgumentError(error: unknown): error is Error {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
