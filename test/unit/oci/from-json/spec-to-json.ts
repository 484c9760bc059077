import type { IdMapping, Resources, Spec, ThrottleDevice } from '../../../../agent/src/oci/spec.ts';

/** JSON.stringify that writes bigints as the literals they are. */
export function exactJson(value: unknown, indent?: number): string {
  const mark = 'bigint of a test: ';
  const text = JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item),
    indent,
  );
  return text.replaceAll(new RegExp(`"${mark}(-?[0-9]+)"`, 'g'), '$1');
}

const idMap = (mappings: readonly IdMapping[]): unknown =>
  mappings.map(({ containerId, hostId, size }) => ({ containerID: containerId, hostID: hostId, size }));
const throttle = (list: readonly ThrottleDevice[]): unknown => list;
const record = (map: ReadonlyMap<string, unknown>): unknown => Object.fromEntries(map);

export function resourcesDocument(resources: Resources): unknown {
  const { memory, blockIo } = resources;
  return {
    devices: resources.devices,
    cpu: resources.cpu,
    memory:
      memory === undefined
        ? undefined
        : { ...memory, disableOomKiller: undefined, disableOOMKiller: memory.disableOomKiller },
    pids: resources.pids === undefined ? undefined : { limit: resources.pids },
    blockIO:
      blockIo === undefined
        ? undefined
        : {
            weight: blockIo.weight,
            leafWeight: blockIo.leafWeight,
            weightDevice: blockIo.weightDevices,
            throttleReadBpsDevice: throttle(blockIo.readBps),
            throttleWriteBpsDevice: throttle(blockIo.writeBps),
            throttleReadIOPSDevice: throttle(blockIo.readIops),
            throttleWriteIOPSDevice: throttle(blockIo.writeIops),
          },
    hugepageLimits: resources.hugepages,
    unified: record(resources.unified),
    rdma: record(resources.rdma),
    network:
      resources.network === undefined
        ? undefined
        : {
            classID: resources.network.classId,
            priorities: [...resources.network.priorities].map(([name, priority]) => ({ name, priority })),
          },
  };
}

export function processDocument(process: Spec['process']): unknown {
  const { consoleSize, execCpuAffinity, ...rest } = process;
  return {
    ...rest,
    consoleSize: consoleSize === undefined ? undefined : { height: consoleSize.rows, width: consoleSize.columns },
    execCPUAffinity: execCpuAffinity,
  };
}

/** The document that a spec would be read from, `undefined` members left out by JSON.stringify. */
export function specDocument(spec: Spec): unknown {
  const { linux } = spec;
  return {
    ociVersion: spec.version,
    process: processDocument(spec.process),
    root: spec.root,
    hostname: spec.hostname,
    domainname: spec.domainname,
    mounts: spec.mounts.map((mount) => ({
      ...mount,
      uidMappings: idMap(mount.uidMappings),
      gidMappings: idMap(mount.gidMappings),
    })),
    hooks: spec.hooks,
    annotations: record(spec.annotations),
    linux: {
      ...linux,
      uidMappings: idMap(linux.uidMappings),
      gidMappings: idMap(linux.gidMappings),
      resources: resourcesDocument(linux.resources),
      netDevices: Object.fromEntries([...linux.netDevices].map(([name, inside]) => [name, { name: inside }])),
      sysctl: record(linux.sysctl),
      intelRdt:
        linux.intelRdt === undefined
          ? undefined
          : {
              closID: linux.intelRdt.closId,
              l3CacheSchema: linux.intelRdt.l3CacheSchema,
              memBwSchema: linux.intelRdt.memBwSchema,
            },
    },
  };
}
