/** Decoders of texts of the kernel, of files and of options, as the agent reads them. Pure, for Node and the engine. */
import { DomainError } from '../../../agent/src/base/errors.ts';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { parseMountOptions as parseStorageOptions } from '../../../agent/src/codec/mount-options.ts';
import { formatMountInfoLine, parseMountInfo, parseMountInfoLine } from '../../../agent/src/codec/mountinfo.ts';
import { formatPciPath, parsePciPath } from '../../../agent/src/codec/pci-path.ts';
import { parseToml } from '../../../agent/src/guest/config/parse-toml.ts';
import { resolveConfig, type ConfigSources } from '../../../agent/src/guest/config/resolve-config.ts';
import { formatServerAddress, parseServerAddress } from '../../../agent/src/guest/config/server-address.ts';
import { countCpuList } from '../../../agent/src/guest/hotplug/cpu-list.ts';
import { parseModuleList } from '../../../agent/src/guest/modules/module-list.ts';
import {
  findGroupId,
  findMode,
  parseHugePages,
  tmpfsOptions,
} from '../../../agent/src/guest/storage/ephemeral-options.ts';
import { resolveCgroupPath } from '../../../agent/src/libcontainer/cgroup/cgroup-path.ts';
import {
  keyedValue,
  parseCount,
  parseFlatKeyed,
  parseIoStat,
  parsePressure,
  parseRdma,
} from '../../../agent/src/libcontainer/cgroup/parse-stats.ts';
import { homeOf } from '../../../agent/src/libcontainer/init/passwd.ts';
import {
  decodeInitMessage,
  encodeMessage,
  decodeParentMessage,
  maxPacketBytes,
} from '../../../agent/src/libcontainer/plan/handshake.ts';
import { LaunchSequence } from '../../../agent/src/libcontainer/plan/launch-sequence.ts';
import { parseMountOptions } from '../../../agent/src/libcontainer/plan/mount-options.ts';
import { sysctlNames, sysctlNamespace } from '../../../agent/src/oci/sysctl-name.ts';
import type { Decoder } from '../support/decoder.ts';
import { promise, promiseEqual } from '../support/decoder.ts';

interface TextDecoder {
  readonly name: string;
  readonly corpus: readonly string[];
  readonly errors?: Decoder['errors'];
  readonly decode: (text: string) => void;
}

function ofText({ name, corpus, errors = [], decode }: TextDecoder): Decoder {
  return {
    name,
    corpus: corpus.map((text) => encodeBytes(text)),
    errors,
    decode: (bytes) => decode(decodeBytes(bytes)),
  };
}

const mountinfo = ofText({
  name: 'mountinfo',
  corpus: [
    '23 28 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n',
    '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n',
    '40 28 0:40 / /tmp rw -  tmpfs  rw,size=1k\n41 28 0:41 / /a\\134b\\011 rw - fuse.x src\\043 rw\n',
  ],
  decode: (text) => {
    for (const row of parseMountInfo(text))
      promiseEqual('a row survives', parseMountInfoLine(formatMountInfoLine(row)), row);
  },
});

const commandLine = ofText({
  name: 'kernel-command-line',
  corpus: [
    'tsc=reliable panic=1 agent.log=debug agent.log_vport=1025 agent.server_addr=vsock://-1:1024 agent.hotplug_timeout=5',
    'agent.container_pipe_size=2097152 kihon.ready=1040 systemd.unified_cgroup_hierarchy=0 agent.debug_console agent.mem_agent_enable=1',
    'agent.config_file=/etc/agent.toml quiet agent.server_addr=unix:///run/agent.sock agent.unified_cgroup_hierarchy=true',
  ],
  decode: (text) => {
    const { config } = resolveConfig(sources(text, 'log_level = "debug"\n'));
    promise(
      'ports are numbers',
      [config.logVport, config.readyPort].every((port) => port >= 0 && port < 2 ** 32),
    );
    promise('times are timers', config.hotplugTimeoutMs >= 0 && config.hotplugTimeoutMs <= 0x7fffffff);
    promise(
      'sizes are sizes',
      Number.isSafeInteger(config.containerPipeSizeBytes) && config.containerPipeSizeBytes >= 0,
    );
  },
});

function sources(cmdline: string, file: string): ConfigSources {
  return { cmdline, environment: { KATA_AGENT_SERVER_ADDR: undefined }, readFile: () => file, parseToml };
}

const toml = ofText({
  name: 'configuration-file',
  corpus: [
    'log = "debug"\nserver_addr = "vsock://-1:1024"\nlog_vport = 1025\nhotplug_timeout = { secs = 3, nanos = 0 }\n',
    'dev_mode = true\ncontainer_pipe_size = 2097152\n[endpoints]\nallowed = ["CreateContainer", "Check"]\n',
    'a = [[1, 2], ["x"]]\nb = 1979-05-27T07:32:00Z\nc = """\nlines"""\nd = 0xff\ne = 9223372036854775807\nf = inf\n',
  ],
  decode: (text) => {
    const { warnings } = resolveConfig({ ...sources('', text), configFile: '/etc/agent.toml' });
    promise(
      'warnings are lines',
      warnings.every((line) => line.length < 400),
    );
  },
});

const address = ofText({
  name: 'server-address',
  corpus: ['vsock://-1:1024', 'vsock://3:4294967295', 'unix:///run/agent.sock', 'unix://@agent', 'tcp://127.0.0.1:80'],
  decode: (text) => {
    const parsed = parseServerAddress(text);
    if (typeof parsed !== 'string')
      promiseEqual('an address survives', parseServerAddress(formatServerAddress(parsed)), parsed);
  },
});

const cgroupStats = ofText({
  name: 'cgroup-stats',
  corpus: [
    'usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
    '254:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n',
    'max\n',
    '18446744073709551615\n',
  ],
  decode: (text) => {
    const entries = parseFlatKeyed(text);
    const values = [parseCount(text, 5n), keyedValue(entries, 'usage_usec'), ...entries.map(([, value]) => value)];
    for (const { major, minor, value } of parseIoStat(text)) values.push(major, minor, value);
    for (const { hcaHandles, hcaObjects } of parseRdma(text)) values.push(hcaHandles ?? 0n, hcaObjects ?? 0n);
    const pressure = parsePressure(text);
    values.push(pressure?.some?.total ?? 0n, pressure?.full?.total ?? 0n);
    promise(
      'counters are not negative',
      values.every((value) => value >= 0n),
    );
  },
});

const pciPath = ofText({
  name: 'pci-path',
  corpus: ['02', '02/03', '02.0/1f.7', '20/00/01', 'ff/02/03'],
  errors: [DomainError],
  decode: (text) => {
    const path = parsePciPath(text);
    promiseEqual('a path survives', parsePciPath(formatPciPath(path)), path);
    promise('has steps', path.slots.length > 0 && path.slots.length <= 32);
  },
});

const mountOptions = ofText({
  name: 'mount-options',
  corpus: [
    'nosuid,noexec,nodev,relatime,ro',
    'rbind,rro,rslave,x-mount.mkdir',
    'mode=755,size=65536k,strictatime,uid=0',
    'bind,rw,rprivate,nosymfollow,atime',
    'dax=inode,trans=virtio,version=9p2000.L,cache=mmap,loop',
  ],
  errors: [DomainError],
  decode: (text) => {
    const options = text.split(',');
    try {
      const { attributes, recursiveAttributes } = parseMountOptions(options, 'mounts[0].options');
      for (const { set, clear } of [attributes, recursiveAttributes])
        promise('bits are bits', Number.isInteger(set) && Number.isInteger(clear));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
    const { flags, data } = parseStorageOptions(options);
    promise('flags are unsigned, data fits a page', flags >= 0 && data.length <= 4095);
  },
});

const ephemeralOptions = ofText({
  name: 'ephemeral-options',
  corpus: [
    'fsgid=1000,mode=2775',
    'pagesize=2097152,size=16777216',
    'size=64m,noexec,huge=never',
    'mode=7777,fsgid=4294967294',
  ],
  errors: [DomainError],
  decode: (text) => {
    const options = text.split(',');
    promise(
      'only known options',
      tmpfsOptions(options).every((option) => options.includes(option)),
    );
    promise('a group is one', (findGroupId(options) ?? 0) < 0xffffffff);
    promise('a mode is one', (findMode(options) ?? 0) <= 0o7777);
    promise('pages are counted', parseHugePages(options).pageCount >= 0n);
  },
});

const passwd = ofText({
  name: 'passwd-home',
  corpus: [
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nuser:x:1000:1000:,,,:/home/user:/bin/bash\n',
    'x:x:1000:1000::relative:\n:x:1000::::\n# comment\nuser:x:1000:1000::/h\0x:/bin/sh\n',
  ],
  decode: (text) => {
    for (const uid of [0, 1, 1000, 0xfffffffe]) {
      const home = homeOf(text, uid);
      promise('a home is an absolute path', home === undefined || (home.startsWith('/') && !home.includes('\0')));
    }
  },
});

const moduleList = ofText({
  name: 'module-list',
  corpus: [
    '# modules\n/lib/modules/6.12/virtio.ko\n/lib/modules/6.12/vsock.ko debug=1 name="a b"\n',
    'relative.ko\n\n \n',
  ],
  decode: (text) => {
    const { modules, bad } = parseModuleList(text);
    promise(
      'paths are absolute',
      modules.every(({ path }) => path.startsWith('/') && !path.includes('\n')),
    );
    promise(
      'bad lines are not',
      bad.every((line) => !line.startsWith('/')),
    );
  },
});

const cpuList = ofText({
  name: 'cpu-list',
  corpus: ['0\n', '0-3,7\n', '0-1,4-5,1023\n', '\n'],
  decode: (text) => promise('a count is one', Number.isSafeInteger(countCpuList(text)) && countCpuList(text) >= 0),
});

const cgroupPath = ofText({
  name: 'cgroup-path',
  corpus: ['/default/c1', 'system.slice:cri-containerd:abc', '', '/a/./b//c', '/../x'],
  errors: [DomainError],
  decode: (text) => {
    const path = resolveCgroupPath(text, 'c1');
    promise('it stays below the root', /^\/[^/]/.test(path) && !path.split('/').includes('..'));
    promise('a clean path stays as it is', resolveCgroupPath(path, 'c1') === path);
  },
});

const sysctl = ofText({
  name: 'sysctl-name',
  corpus: ['net.ipv4.ip_forward', 'net/ipv4/conf/eth0.100/rp_filter', 'kernel.shmmax', 'fs.mqueue.msg_max'],
  errors: [DomainError],
  decode: (text) => {
    const names = sysctlNames(text);
    promise(
      'no name leaves its folder',
      names.every((name) => name !== '' && !name.startsWith('.') && !name.includes('/')),
    );
    sysctlNamespace(names);
  },
});

const handshake = ofText({
  name: 'launch-handshake',
  corpus: [
    '{"type":"terminal"}',
    '{"type":"ready","created":["/dev/x"]}',
    '{"type":"start"}',
    '{"type":"failed","created":[],"failure":{"step":"mount proc on /proc","chain":["fsopen proc: EPERM"],"code":"internal","call":"fsopen","errno":1,"errnoName":"EPERM","subject":"proc"}}',
    `{"type":"ready","created":[${'['.repeat(3000)}]}`,
  ],
  errors: [DomainError],
  decode: (text) => {
    const bytes = encodeBytes(text);
    decodeParentMessage(bytes);
    const message = decodeInitMessage(bytes);
    if (message !== undefined) {
      const written = encodeMessage(message);
      // A code is never that long; only texts are cut.
      promise('an answer fits a packet', bytes.length > 8000 || written.length <= maxPacketBytes);
      const again = decodeInitMessage(written);
      promise('and can be read', again !== undefined);
      promiseEqual('and is the same when written again', decodeInitMessage(encodeMessage(again!)), again);
    }
    const sequence = new LaunchSequence({
      terminal: text.length % 2 === 0,
      spawned: text.length % 5 === 0,
      needs: text.length % 7 === 0 ? ['id-maps'] : [],
      descriptors: [],
    });
    sequence.receive(bytes, text.length % 3 === 0 ? 1 : 0);
    sequence.receive(bytes, 0);
  },
});

export const textDecoders: readonly Decoder[] = [
  mountinfo,
  commandLine,
  toml,
  address,
  cgroupStats,
  pciPath,
  mountOptions,
  ephemeralOptions,
  passwd,
  moduleList,
  cpuList,
  cgroupPath,
  sysctl,
  handshake,
];
