import { arch } from 'node:os';

/** Node's names of architectures and those of `uname -m`. */
const NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le' };

/** This machine's architecture as `uname -m` says it. */
export function hostArchitecture(): string {
  return NAMES[arch()] ?? arch();
}
