/**
 * Who may import whom. The table is the one of docs/architecture.md; what it does not name is forbidden.
 * `make lint` fails on a violation, and test/unit/rules/import-direction.test.ts proves that it does.
 */

/** Folders of the agent, lowest first. A name stands for `agent/src/<name>/` unless it ends in `.ts`. */
const base = ['base'];
const abi = ['abi', ...base];
const codec = ['codec', ...abi];
const policy = ['policy', ...codec];
const sys = ['sys', ...codec];
const oci = ['oci', ...abi];
const plan = ['libcontainer/plan', ...oci, ...codec];
const subjects = [
  'state',
  'rootfs',
  'cgroup',
  'seccomp',
  'capabilities',
  'hooks',
  'process',
  'network',
  'intel-rdt',
].map((subject) => `libcontainer/${subject}`);
const parts = [...subjects, ...plan, ...sys];
// types.ts is what the sandbox sees of all that.
const launch = ['libcontainer/launch', 'libcontainer/exec', 'libcontainer/types.ts', ...parts];
// The command line's engine room: it makes its children go on in place, so it brings their program along.
const runtime = ['runtime', 'libcontainer/init', ...launch];
// Of a spec it knows the types: devices are written into it.
const guest = ['guest', 'oci/spec.ts', ...sys];
const sandbox = ['sandbox', ...guest, ...launch];
const api = ['api', ...sandbox, ...policy];

/** [folder, what of the agent it may import, what else] */
const agentTable = [
  ['base', base],
  ['abi', abi],
  ['codec', codec],
  ['policy', policy],
  ['sys', sys],
  // Files of devices are JSON or YAML.
  ['oci', [...oci, 'codec/yaml'], ['proto']],
  ['libcontainer/plan', plan],
  ...subjects.map((subject) => [subject, parts]),
  ['libcontainer/launch', launch],
  ['libcontainer/exec', launch],
  ['libcontainer/types.ts', launch],
  ['libcontainer/init', ['libcontainer/init', ...parts]],
  ['libcontainer/zygote', ['libcontainer/zygote', 'libcontainer/init', ...launch]],
  ['runtime', runtime],
  ['guest', guest, ['npm:smol-toml']],
  ['sandbox', sandbox],
  ['api', api, ['proto']],
  ['entry/failpoints', ['entry/failpoints', ...sys]],
  ['entry/init.ts', ['entry/init.ts', 'entry/failpoints', 'libcontainer/init', 'libcontainer/zygote', ...parts]],
  ['entry/oci.ts', ['entry/oci', 'entry/failpoints', ...runtime]],
  ['entry/oci', ['entry/oci', ...runtime]],
  ['entry', ['entry', ...api, 'libcontainer/init', 'libcontainer/zygote'], ['proto']],
];

const escape = (text) => text.replace(/[.]/g, '\\.');

/** Pattern of a folder or file of the repository. */
const place = (name) => (/\.[cm]?[jt]s$/.test(name) ? `^${escape(name)}$` : `^${escape(name)}/`);

/** Pattern of something that may be imported: a place of the repository, `npm:NAME`, or `node`. */
function target(name) {
  if (name.startsWith('npm:')) return `(^|/)node_modules/${escape(name.slice(4))}/`;
  // Node's own modules are reported by name, not by path.
  if (name === 'node') return '^(node:)?[a-z_/]+$';
  return place(name);
}

const rules = [];

/** `from` may import only `to`; `except` takes places out of `from` that have a row of their own. */
function only(name, from, to, except = []) {
  rules.push({
    name,
    severity: 'error',
    comment: `${from} may import only: ${to.join(', ')}`,
    from: { path: place(from), ...(except.length === 0 ? {} : { pathNot: except.map(place) }) },
    to: { pathNot: to.map(target) },
  });
}

const entriesOfTheirOwn = ['failpoints', 'init.ts', 'oci.ts', 'oci'].map((name) => `agent/src/entry/${name}`);

for (const [folder, allowed, others = []] of agentTable)
  only(
    `agent-${folder.replace(/[/.]/g, '-')}`,
    `agent/src/${folder}`,
    [...allowed.map((name) => `agent/src/${name}`), ...others],
    folder === 'entry' ? entriesOfTheirOwn : [],
  );

// The reader of JSON documents is no part of the agent's program, which gets its specs as protobuf.
rules.push({
  name: 'json-reader',
  severity: 'error',
  comment: 'only the command line reads config.json, and the agent the edits of devices, when it has some',
  from: { path: '.', pathNot: '^(agent/src/(oci/(from-json|cdi)|runtime|entry/oci)/|test/)' },
  to: { path: '^agent/src/oci/from-json/' },
});

// Only the system-call layer opens the door to the engine.
rules.push({
  name: 'engine-door',
  severity: 'error',
  comment: 'only agent/src/sys, and programs that test the engine itself, may import agent/src/sys/engine.ts',
  from: { path: '.', pathNot: '^(agent/src/sys|test/engine)/' },
  to: { path: '^agent/src/sys/engine\\.ts$' },
});

const shared = ['agent/src/base', 'agent/src/codec', 'proto'];
only('agent-build', 'agent/build', ['agent/build', 'node', 'npm:esbuild']);
only('proto', 'proto', ['proto', 'agent/src/codec', 'node', 'npm:protobufjs', 'npm:protobufjs-cli']);
only('rootfs-builder', 'rootfs-builder', [
  'rootfs-builder',
  'agent/src/base',
  'node',
  'npm:smol-toml',
  'npm:tar-stream',
]);
only('kernel-config', 'kernel-config', ['kernel-config', 'agent/src/base', 'node']);
// What an image is, in one place for those who write it and those who boot from it.
const imageFacts = [
  'rootfs-builder/src/build-error.ts',
  'rootfs-builder/src/disk/mbr.ts',
  'rootfs-builder/src/format/root-parameters.ts',
  'rootfs-builder/src/verity/parameters.ts',
];
const vm = ['host/vm', 'agent/src/base', ...imageFacts, 'node'];
const client = ['host/client', 'host/vm/host-error.ts', ...shared, 'node'];
const sdk = ['host/sdk', ...vm, ...client];
only('host-vm', 'host/vm', vm);
only('host-client', 'host/client', client);
only('host-sdk', 'host/sdk', sdk);
only('host-gateway', 'host/gateway', ['host/gateway', ...client, 'npm:@grpc/grpc-js']);
only('host-kata', 'host/kata', ['host/kata', ...vm, 'node', 'npm:smol-toml', 'npm:yaml']);
// The command builds guests and kernels too.
const builders = ['rootfs-builder', 'kernel-config'];
only('host-cli', 'host/cli', [
  'host/cli',
  'host/kata',
  ...sdk,
  ...builders,
  'host/gateway',
  'npm:commander',
  'npm:systeminformation',
]);
only('host-build', 'host/build', ['host/build', 'host/kata', 'host/cli/version.ts', ...vm, 'npm:esbuild']);

module.exports = {
  forbidden: [
    ...rules,
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'two modules that need each other are one module',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: '.', pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'the module is not there, or not among the dependencies',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(build/(x86_64|aarch64|obj|test)|\\.cache)/' },
    // Imports of types count: a layer that knows the types of a higher one is not lower any more.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.d.ts'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
