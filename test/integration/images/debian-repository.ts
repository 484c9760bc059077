/** A small Debian archive, made with dpkg-deb and two files by hand. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Files of a package by path; a value that begins with "->" is a symlink. */
export type DebPlan = Readonly<Record<string, string>>;

/** Writes an archive with the suite `tiny` and gives its folder. */
export function makeDebianRepository(folder: string, packages: Readonly<Record<string, DebPlan>>): string {
  const mirror = join(folder, 'mirror');
  const records = Object.entries(packages).map(([name, files]) => {
    const root = join(folder, 'build', name);
    mkdirSync(join(root, 'DEBIAN'), { recursive: true });
    const control = `Package: ${name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: Test <test@example.invalid>\nDescription: test\n`;
    writeFileSync(join(root, 'DEBIAN/control'), control);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      if (text.startsWith('->')) symlinkSync(text.slice(2), join(root, path));
      else {
        writeFileSync(join(root, path), text);
        chmodSync(join(root, path), text.startsWith('#!') ? 0o755 : 0o644);
      }
    }
    const pool = `pool/main/${name}_1.0_amd64.deb`;
    mkdirSync(join(mirror, 'pool/main'), { recursive: true });
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', root, join(mirror, pool)], { stdio: 'ignore' });
    const bytes = readFileSync(join(mirror, pool));
    return `${control}Filename: ${pool}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
  });
  const index = 'main/binary-amd64/Packages';
  const suite = join(mirror, 'dists/tiny');
  mkdirSync(dirname(join(suite, index)), { recursive: true });
  writeFileSync(join(suite, index), records.join('\n'));
  const text = readFileSync(join(suite, index));
  writeFileSync(
    join(suite, 'Release'),
    'Origin: Test\nLabel: Test\nSuite: tiny\nCodename: tiny\nArchitectures: amd64\nComponents: main\n' +
      `Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n ${sha256(text)} ${statSync(join(suite, index)).size} ${index}\n`,
  );
  return mirror;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
