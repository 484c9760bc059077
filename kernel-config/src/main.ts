import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, hostArchitecture } from './architecture.ts';
import { buildKernel, type KernelRequest } from './build/build-kernel.ts';
import { REPOSITORY } from './build/cache-folder.ts';
import { checkConfiguration } from './build/check-configuration.ts';
import { BuildFailure, BuildInterrupted } from './build/failure.ts';
import type { KernelEvent } from './build/kernel-event.ts';
import { listSeries } from './build/kernel-source.ts';
import { comparePrecompiled } from './build/precompiled/compare-kernels.ts';
import { TextReport } from './build/text-report.ts';
import { CONFIGURATIONS, DEFAULT_SERIES, findConfiguration, type KernelConfiguration } from './configurations.ts';
import { listFragments } from './fragment/load-fragments.ts';
import { FragmentError } from './fragment/parse-fragment.ts';
import { formatCheck, formatComparison, formatCoverage, formatMebibytes } from './format-report.ts';
import { loadAllowedMissing } from './fragment/allowed-missing.ts';
import { formatHardening, hardeningReport } from './hardening/hardening-report.ts';
import { compareInventory, loadInventory } from './inventory/kata-inventory.ts';
import { profileBoot } from './profile/profile-boot.ts';
import { chartSizes, formatSizes, type KernelSizes, parseKernelSizes } from './size/format-sizes.ts';

const USAGE = `usage: main.ts COMMAND [OPTIONS]

  build      build a kernel, or take it from the cache, and put it into the output folder
  check      only merge the fragments; lists requests that were lost (an error) and what is on though nobody asked for it
  hardening  what is on and off that bears on security, and why
  inventory  compare with what the kernel of Kata Containers asks for
  sizes      where the bytes of a built kernel are
  compare    build a kernel with and without precompiled headers, and compare every object: two builds
  profile    start a kernel under QEMU without KVM and print where its boot time goes
  list       print the configurations, fragments, architectures and kernel series

  --config NAME    ${CONFIGURATIONS.map(({ name }) => name).join(', ')} (default: lean)
  --arch NAME      ${ARCHITECTURES.map(({ name }) => name).join(', ')} (default: this machine's)
  --series X.Y     kernel series (default: ${DEFAULT_SERIES})
  --with NAME      add a fragment: a name, or the path of a file with a "/" in it; may be repeated
  --patch FILE     apply a patch after those of the series; may be repeated
  --output DIR     output folder (default: build/ARCH)
  --jobs N         compilers at once (default: one more than there are processors)
  --source FILE    kernel source tarball (default: that of Debian's package for the series)
  --fresh          build even if the cache has it, and from an empty object tree
  --no-pch         build: compile every object's headers with it, as the kernel's own build does (docs/kernels.md)
  --kernel FILE    kernel to profile (default: build/x86_64/vmlinux)
  --counted        profile: time by the guest's instructions, which no load of this machine changes
  --top N          how many rows a table has (default: 15)
  --all            check: list also what only follows from something else
  --svg FILE       sizes, profile: write a chart
  --json           print JSON: events one a line (build), or one report
`;

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: 'string', multiple: true, default: ['lean'] },
      arch: { type: 'string', default: hostArchitecture() },
      series: { type: 'string', default: DEFAULT_SERIES },
      with: { type: 'string', multiple: true, default: [] },
      patch: { type: 'string', multiple: true, default: [] },
      output: { type: 'string' },
      jobs: { type: 'string' },
      source: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      'no-pch': { type: 'boolean', default: false },
      kernel: { type: 'string', default: join(REPOSITORY, 'build', 'x86_64', 'vmlinux') },
      top: { type: 'string', default: '15' },
      all: { type: 'boolean', default: false },
      counted: { type: 'boolean', default: false },
      svg: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined || rest.length > 0) {
    process.stdout.write(USAGE);
    if (!values.help) process.exitCode = 2;
    return;
  }
  const config = values.config[0] ?? 'lean';
  const text = new TextReport(`kernel ${config}`, process.stderr);
  const report = (event: KernelEvent): void => {
    if (values.json && command === 'build') process.stdout.write(`${JSON.stringify(event)}\n`);
    else text.take(event);
  };
  const request: KernelRequest = {
    config,
    architecture: values.arch,
    series: values.series,
    extraFragments: values.with,
    patches: values.patch,
    signal,
    report,
    ...(values.source === undefined ? {} : { tarball: values.source }),
  };
  const print = (object: unknown, asText: () => string): void => {
    text.clear();
    process.stdout.write(values.json ? `${JSON.stringify(object, undefined, 2)}\n` : asText());
  };
  const top = positiveInteger('--top', values.top);
  const readJobs = (): { readonly jobs?: number } =>
    values.jobs === undefined ? {} : { jobs: positiveInteger('--jobs', values.jobs) };
  switch (command) {
    case 'build': {
      const built = await buildKernel({
        ...request,
        isFresh: values.fresh,
        isWithoutPrecompiled: values['no-pch'],
        ...readJobs(),
        ...(values.output === undefined ? {} : { output: values.output }),
      }).finally(() => text.clear());
      const { record, isFromCache, files } = built;
      if (values.json) return;
      process.stdout.write(
        `kernel ${record.configuration} ${record.kernelVersion} ${record.arch}${isFromCache ? ' (cached)' : ''}: ` +
          `compressed ${formatMebibytes(record.vmlinuzBytes)}, direct ${formatMebibytes(record.vmlinuxBytes)}\n` +
          files.map((file) => `  ${file}\n`).join(''),
      );
      return;
    }
    case 'compare': {
      const compared = await comparePrecompiled({ ...request, ...readJobs() });
      print(compared, () => formatComparison(compared));
      if (compared.differences.length > 0 || compared.differentBytes === undefined) process.exitCode = 1;
      return;
    }
    case 'check': {
      const { result: _result, ...checked } = await checkConfiguration(request);
      print(checked, () => formatCheck(checked, values.all));
      return;
    }
    case 'hardening': {
      const { result, configuration, architecture } = await checkConfiguration(request);
      const findings = hardeningReport(result, configuration, architecture);
      print(findings, () => formatHardening(findings, configuration, architecture));
      if (findings.some(({ state }) => state === 'open')) process.exitCode = 1;
      return;
    }
    case 'inventory': {
      const { result, configuration, architecture, kernelVersion } = await checkConfiguration(request);
      const { entries, leftOff } = await loadInventory();
      const kernel = { result, configuration, architecture, version: kernelVersion };
      const coverage = compareInventory(entries, leftOff, await loadAllowedMissing(), kernel);
      print(coverage, () => formatCoverage(coverage, `${configuration} ${kernelVersion} ${architecture}`));
      if (coverage.missing.length > 0) process.exitCode = 1;
      return;
    }
    case 'sizes': {
      const folder = values.output ?? join(REPOSITORY, 'build', values.arch);
      const kernels = await Promise.all(
        values.config.map((name) => readSizes(join(folder, configurationNamed(name).outputs.sizes))),
      );
      print(kernels, () => kernels.map((sizes) => formatSizes(sizes, top)).join('\n'));
      if (values.svg !== undefined) await writeChart(values.svg, chartSizes(kernels, top));
      return;
    }
    case 'profile': {
      const profiled = await profileBoot({ kernel: values.kernel, top, isCounted: values.counted, signal });
      print(profiled.facts, () => profiled.text);
      if (values.svg !== undefined) await writeChart(values.svg, profiled.chart);
      return;
    }
    case 'list':
      for (const { name, purpose, fragments } of CONFIGURATIONS) {
        process.stdout.write(`${name}: ${purpose}\n  ${fragments.join(' ')}\n`);
      }
      process.stdout.write(
        `all fragments: ${(await listFragments()).join(' ')}\n` +
          `architectures: ${ARCHITECTURES.map(({ name }) => name).join(' ')}\n` +
          `kernel series on this machine: ${(await listSeries()).join(' ') || 'none'}\n`,
      );
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

async function readSizes(path: string): Promise<KernelSizes> {
  const sizes = parseKernelSizes(await readFile(path, 'utf8').catch(() => ''));
  if (sizes) return sizes;
  throw new BuildFailure(`no sizes at ${path}; build the kernel first: make kernel`);
}

async function writeChart(path: string, svg: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, svg);
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
