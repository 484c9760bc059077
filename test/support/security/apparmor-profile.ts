import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedPackage } from '../repository.ts';

/** A profile that allows everything but to read `/secret`. */
export const PROFILE = 'kihon-test';

const TEXT = `abi <abi/3.0>,
profile ${PROFILE} flags=(attach_disconnected) {
  / r,
  /** rwlkmix,
  capability,
  network,
  signal,
  mount,
  umount,
  pivot_root,
  ptrace,
  unix,
  deny /secret r,
}
`;

/** Compiles the profile into `folder` and gives the path of the binary form, which `apparmor/.load` of securityfs takes. */
export function compileAppArmorProfile(folder: string): string {
  const source = join(folder, 'profile');
  const binary = join(folder, 'profile.bin');
  writeFileSync(source, TEXT);
  const place = unpackedPackage('apparmor');
  const base = join(place, 'etc/apparmor.d');
  const features = join(base, 'abi/3.0');
  // Nothing is asked of this machine's own kernel and nothing is given to it.
  const apart = ['--skip-kernel-load', '--skip-cache', '--policy-features', features, '--kernel-features', features];
  const options = ['--base', base, '--Include', base, ...apart, '--ofile', binary, source];
  execFileSync(join(place, 'sbin/apparmor_parser'), options, { stdio: 'pipe' });
  return binary;
}
