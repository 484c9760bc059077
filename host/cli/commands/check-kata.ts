import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { compareConfiguration, type Remark } from '../../kata/compare.ts';
import { findConfiguration, readConfiguration } from '../../kata/configuration.ts';
import { kataImage } from '../../kata/kata-image.ts';
import { HostError } from '../../vm/host-error.ts';
import { ASSETS } from '../../kata/layout.ts';
import type { KataAssets } from '../../kata/guest-assets.ts';
import { formatTable } from '../table.ts';

/** The prefix of Kata's release archive, where `make install PREFIX=/opt/kata` puts our guest. */
export const KATA_PREFIX = '/opt/kata';

/** What lies below the prefix, and what is wrong with it. */
function installedAssets(prefix: string): { readonly assets: KataAssets; readonly remarks: readonly Remark[] } {
  const share = resolve(prefix, ASSETS);
  const path = `${share}/kata-containers-kihon.img`;
  const assets = {
    kernel: `${share}/vmlinux-kihon.container`,
    initrd: `${share}/kata-containers-initrd-kihon.img`,
    image: undefined,
  };
  if (!existsSync(path)) return { assets, remarks: [] };
  try {
    return { assets: { ...assets, image: kataImage(path) }, remarks: [] };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { assets, remarks: [{ key: 'image', kind: 'problem', now: '', then: '', reason: error.message }] };
  }
}

function row({ key, kind, now, then, reason }: Remark): string[] {
  const change = kind === 'change' ? `${now} -> ${then}` : then === '' || then === now ? now : then;
  return [kind, key, reason === undefined ? change : `${change}${change === '' ? '' : ': '}${reason}`];
}

/** `kihon check --kata`: reads Kata's configuration and says what our guest in it would change. True when it would work. */
export function checkKata(file: string | undefined, prefix: string, isJson: boolean): boolean {
  const configuration = readConfiguration(file ?? findConfiguration());
  const facts = { exists: existsSync, size: (path: string) => statSync(path).size };
  const installed = installedAssets(prefix);
  const remarks = [...compareConfiguration(configuration.values, installed.assets, facts), ...installed.remarks];
  const works = remarks.every(({ kind }) => kind !== 'problem');
  if (isJson) {
    const { file: path, dropIns } = configuration;
    process.stdout.write(`${JSON.stringify({ works, file: path, dropIns, remarks }, null, 2)}\n`);
    return works;
  }
  const files = [configuration.file, ...configuration.dropIns].map((path) => ['reads', path, '']);
  process.stdout.write(`${formatTable([...files, ...remarks.map(row)])}\n`);
  const changes = remarks.filter(({ kind }) => kind === 'change').length;
  const outcome = works
    ? changes === 0
      ? 'This configuration boots our guest already.'
      : `${changes} settings would change; everything else stays.`
    : 'This would not work: see the problems above.';
  process.stdout.write(`${outcome}\n`);
  return works;
}
