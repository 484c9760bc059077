/** Runs inside the engine, in a mount namespace of its own: the sources of id-mapped mounts against the real kernel. */
import { O_CREAT, O_EXCL, O_PATH, O_WRONLY } from '../../../agent/src/abi/constants.ts';
import { Scope } from '../../../agent/src/base/scope.ts';
import { createMappedNamespace } from '../../../agent/src/libcontainer/rootfs/mapped-namespace.ts';
import { openMountSources } from '../../../agent/src/libcontainer/rootfs/mount-sources.ts';
import type { SpecWithMounts } from '../../../agent/src/libcontainer/rootfs/mount-sources.ts';
import type { IdMapping, MountSpec } from '../../../agent/src/oci/spec.ts';
import type { Fd } from '../../../agent/src/sys/fd.ts';
import * as fs from '../../../agent/src/sys/file.ts';
import { mount, moveMount, unmount } from '../../../agent/src/sys/mount.ts';
import { getpid } from '../../../agent/src/sys/process.ts';
import { check, checkThrows, runChecks } from '../../support/engine/checks.ts';

const SOURCE = '/run/source';
const TARGET = '/run/target';

const oneTo = (containerId: number, hostId: number, size = 1000): IdMapping[] => [{ containerId, hostId, size }];

function mountSpec(options: readonly string[], maps: readonly IdMapping[] = [], source = SOURCE): MountSpec {
  return { destination: '/x', type: 'bind', source, options, uidMappings: maps, gidMappings: maps };
}

function specOf(mounts: readonly MountSpec[], maps?: readonly IdMapping[]): SpecWithMounts {
  const namespaces = maps === undefined ? [] : [{ type: 'user', path: undefined } as const];
  return { mounts, linux: { namespaces, uidMappings: maps ?? [], gidMappings: maps ?? [] } };
}

function descriptors(): string[] {
  return fs.readDirectory('/proc/self/fd').map(({ name }) => name);
}

function children(): string {
  return fs.readText(`/proc/self/task/${getpid()}/children`).trim();
}

/** Attaches the trees one after the other and gives the owner of a file in each. */
async function owners(spec: SpecWithMounts, path: string, joined?: Fd): Promise<(string | undefined)[]> {
  const before = descriptors();
  const scope = new Scope();
  const trees = openMountSources(scope, spec, joined);
  const result = spec.mounts.map((_, index) => {
    const tree = trees.get(index);
    if (tree === undefined) return undefined;
    using place = fs.open(TARGET, O_PATH);
    moveMount(tree, place, '');
    const stat = fs.stat(`${TARGET}/${path}`);
    unmount(TARGET, 2);
    return `${stat.uid}:${stat.gid}`;
  });
  await scope.unwind();
  check(`descriptors are closed after ${path}`, descriptors().length === before.length, descriptors().join(' '));
  check(`no helper is left after ${path}`, children() === '', children());
  return result;
}

async function run(): Promise<void> {
  fs.mkdir(SOURCE, 0o755);
  mount('source', SOURCE, 'tmpfs', 0);
  fs.mkdir(`${SOURCE}/inner`, 0o755);
  mount('inner', `${SOURCE}/inner`, 'tmpfs', 0);
  fs.mkdir(TARGET, 0o755);
  for (const path of ['zero', 'five', 'inner/zero']) {
    fs.open(`${SOURCE}/${path}`, O_WRONLY | O_CREAT | O_EXCL, 0o644).close();
  }
  fs.chown(`${SOURCE}/five`, 5, 5);
  fs.chown(`${SOURCE}/zero`, 0, 0);

  const two = specOf([mountSpec(['bind', 'idmap'], oneTo(0, 7000)), mountSpec(['bind'], oneTo(0, 9000))]);
  const zero = await owners(two, 'zero');
  check('two maps of one source, each with its own owners', zero.join(' ') === '7000:7000 9000:9000', zero.join(' '));
  const five = await owners(two, 'five');
  check('ids keep their places in a map', five.join(' ') === '7005:7005 9005:9005', five.join(' '));

  const unmapped = await owners(specOf([mountSpec(['bind'], oneTo(0, 7000, 1))]), 'five');
  check('an id without a map belongs to nobody', unmapped.join() === '65534:65534', unmapped.join());

  const nested = specOf([
    mountSpec(['rbind', 'idmap'], oneTo(0, 7000)),
    mountSpec(['rbind', 'ridmap'], oneTo(0, 7000)),
  ]);
  const inner = await owners(nested, 'inner/zero');
  check('idmap maps the top mount alone, ridmap all', inner.join(' ') === '0:0 7000:7000', inner.join(' '));

  const own = specOf([mountSpec(['bind', 'idmap']), mountSpec(['bind'])], oneTo(0, 4000));
  const container = await owners(own, 'zero');
  check(
    "without maps, the container's; other binds as they are",
    container.join(' ') === '4000:4000 0:0',
    container.join(' '),
  );

  using joined = createMappedNamespace(oneTo(0, 3000), oneTo(0, 3000));
  const other = await owners({ ...own, linux: { ...own.linux, uidMappings: [], gidMappings: [] } }, 'zero', joined);
  check('or those of the namespace that it joins', other.join(' ') === '3000:3000 0:0', other.join(' '));

  const plain = await owners(specOf([mountSpec(['bind']), mountSpec(['rbind', 'ro'])]), 'zero');
  check(
    'nothing is opened when there is nothing to map',
    plain.every((owner) => owner === undefined),
  );

  const scope = new Scope();
  const before = descriptors();
  const failing = specOf([mountSpec(['bind'], oneTo(0, 7000)), mountSpec(['bind'], oneTo(0, 7000), '/proc')]);
  const refuse = (): unknown => openMountSources(scope, failing, undefined);
  checkThrows('a file system that cannot be mapped is refused by its place', refuse, 'mounts[1]');
  checkThrows('and by its path', refuse, '/proc');
  await scope.unwind();
  check('a failure half-way leaves no descriptor', descriptors().length === before.length, descriptors().join(' '));

  const bad = [
    { containerId: 0, hostId: 1, size: 10 },
    { containerId: 5, hostId: 100, size: 10 },
  ];
  const badScope = new Scope();
  const overlap = (): unknown => openMountSources(badScope, specOf([mountSpec(['bind'], bad)]), undefined);
  checkThrows('overlapping maps are refused by the kernel, too', overlap, 'mounts[0]');
  await badScope.unwind();
  check('the source keeps its owners', fs.stat(`${SOURCE}/five`).uid === 5);
  check('no child is left', children() === '', children());
}

runChecks(run);
