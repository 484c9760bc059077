/** The description that osbuilder leaves in an image, at this path; Kata's data collection script reads it. */
export const OSBUILDER_PATH = 'var/lib/osbuilder/osbuilder.yaml';

const FORMAT_VERSION = '0.0.2';
const OSBUILDER_URL = 'https://github.com/kata-containers/kata-containers/tools/osbuilder';
const AGENT_URL = 'https://github.com/kata-containers/kata-containers';

/** What the description says. */
export interface OsbuilderSummary {
  /** Of the builder; `unknown` when absent. */
  readonly version?: string;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** As `uname -m` says it. */
  readonly architecture: string;
  readonly distribution: { readonly name: string; readonly version: string };
  /** Names of packages that the base always has, and of those that the recipe asked for. */
  readonly packages: { readonly default: readonly string[]; readonly extra: readonly string[] };
  readonly agent: { readonly name: string; readonly version?: string; readonly isInit: boolean; readonly url?: string };
}

/** The YAML text, in osbuilder's order of keys. */
export function osbuilderYaml(summary: OsbuilderSummary): string {
  const { version = 'unknown', architecture, distribution, packages, agent } = summary;
  const time = new Date(summary.sourceDateEpoch * 1000).toISOString().slice(0, 19);
  return [
    '---',
    'osbuilder:',
    `  url: ${quote(OSBUILDER_URL)}`,
    `  version: ${quote(version)}`,
    // osbuilder prints date's %N%zZ: nanoseconds, the offset, and a Z.
    `rootfs-creation-time: ${quote(`${time}.000000000+0000Z`)}`,
    'description: "osbuilder rootfs"',
    `file-format-version: ${quote(FORMAT_VERSION)}`,
    `architecture: ${quote(architecture)}`,
    'base-distro:',
    `  name: ${quote(distribution.name)}`,
    `  version: ${quote(distribution.version)}`,
    '  packages:',
    '    default:',
    ...items(packages.default),
    '    extra:',
    ...items(packages.extra),
    'agent:',
    `  url: ${quote(agent.url ?? AGENT_URL)}`,
    `  name: ${quote(agent.name)}`,
    `  version: ${quote(agent.version ?? 'unknown')}`,
    `  agent-is-init-daemon: ${quote(agent.isInit ? 'yes' : 'no')}`,
    '',
  ].join('\n');
}

/** A sorted list without repetition. */
function items(names: readonly string[]): string[] {
  return [...new Set(names)].sort().map((name) => `      - ${quote(name)}`);
}

/** A double-quoted YAML scalar; JSON's escapes are a subset of its. */
function quote(text: string): string {
  return JSON.stringify(text);
}
