import { BuildError } from '../../build-error.ts';
import type { Descriptor } from './descriptor.ts';
import { textOf } from './document.ts';

/** Architectures of `uname -m` in the words of OCI (those of Go), with the variants that run there, best first. */
const OCI_ARCHITECTURES: Readonly<
  Record<string, { readonly architecture: string; readonly variants: readonly string[] }>
> = {
  x86_64: { architecture: 'amd64', variants: ['', 'v1', 'v2'] },
  aarch64: { architecture: 'arm64', variants: ['v8', ''] },
  ppc64le: { architecture: 'ppc64le', variants: [''] },
  s390x: { architecture: 's390x', variants: [''] },
  riscv64: { architecture: 'riscv64', variants: [''] },
};

/** What to choose from an index. */
export interface PlatformChoice {
  readonly os: string;
  readonly architecture: string;
  /** Variants that will do, best first; "" is none. */
  readonly variants: readonly string[];
}

/** Parses `linux/arm64` or `linux/arm64/v8`; without text it is the one of an architecture. */
export function platformChoice(architecture: string, text?: string): PlatformChoice {
  if (text !== undefined) {
    const [os = '', name = '', variant, ...rest] = text.split('/');
    if (os === '' || name === '' || variant === '' || rest.length > 0)
      throw new BuildError(`platform ${JSON.stringify(text)}: must be OS/ARCHITECTURE[/VARIANT]`);
    return { os, architecture: name, variants: variant === undefined ? [''] : [variant] };
  }
  const known = Object.hasOwn(OCI_ARCHITECTURES, architecture) ? OCI_ARCHITECTURES[architecture] : undefined;
  return { os: 'linux', ...(known ?? { architecture, variants: [''] }) };
}

/**
 * The manifest of an index that fits. One without a platform fits when it is the only one. Throws BuildError that lists
 * what there is.
 */
export function choosePlatform(manifests: readonly Descriptor[], choice: PlatformChoice, what: string): Descriptor {
  const fitting = manifests.filter(
    ({ platform }) =>
      platform !== undefined &&
      textOf(platform, 'os') === choice.os &&
      textOf(platform, 'architecture') === choice.architecture,
  );
  for (const variant of choice.variants) {
    const found = fitting.find(({ platform = {} }) => (textOf(platform, 'variant') ?? '') === variant);
    if (found !== undefined) return found;
  }
  const [first, second] = fitting;
  if (first !== undefined && second === undefined && choice.variants.includes('')) return first;
  const [only, another] = manifests;
  if (only !== undefined && another === undefined && only.platform === undefined) return only;
  const wanted = [choice.os, choice.architecture, ...choice.variants.slice(0, 1)]
    .filter((part) => part !== '')
    .join('/');
  const there = manifests.map(describePlatform).join(', ');
  throw new BuildError(`${what}: no image for ${wanted}; there is ${there === '' ? 'none at all' : there}`);
}

function describePlatform({ platform }: Descriptor): string {
  if (platform === undefined) return 'one without a platform';
  return ['os', 'architecture', 'variant']
    .map((key) => textOf(platform, key) ?? '')
    .filter((part) => part !== '')
    .join('/');
}
