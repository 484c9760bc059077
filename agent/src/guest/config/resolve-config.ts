import { describeError } from '../../base/errors.ts';
import { ConfigBuilder } from './config-builder.ts';
import type { AgentConfig } from './agent-config.ts';
import { readOptionText, readOptionToml } from './option-rule.ts';
import { CONFIG_FILE_WORD, findOptionByKey, findOptionByWord } from './option-table.ts';

/** Everything that settings come from; all of it by argument, so that the rules can be tested without a guest. */
export interface ConfigSources {
  /** Text of `/proc/cmdline`. */
  readonly cmdline: string;
  /** `-c` or `--config` of the agent's own command line, when given. */
  readonly configFile?: string | undefined;
  /** By name; only fixed names are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a whole file as text; throws when it cannot. */
  readonly readFile: (path: string) => string;
  /** Parses TOML into plain objects; throws on bad text. Needed only when `configFileOf` names a file. */
  readonly parseToml?: (text: string) => Record<string, unknown>;
}

export interface ResolvedConfig {
  readonly config: AgentConfig;
  /** One line each, for the log at warning level. */
  readonly warnings: readonly string[];
  /** Set when the agent must not start: a bad server address or configuration file. */
  readonly fatal?: string;
}

interface Word {
  readonly name: string;
  /** Text after the first `=`; undefined for a bare word. */
  readonly value: string | undefined;
}

/** Words of the kernel command line: ASCII white space separates, quotes mean nothing (contract 3.1). */
function splitWords(cmdline: string): Word[] {
  return cmdline
    .split(/[ \t\n\v\f\r]+/)
    .filter((word) => word !== '')
    .map((word) => {
      const at = word.indexOf('=');
      return at === -1 ? { name: word, value: undefined } : { name: word.slice(0, at), value: word.slice(at + 1) };
    });
}

/** The options of the mem agent other than its switch are not even looked at before it is switched on. */
function isMuted(name: string, isMemAgentOn: boolean): boolean {
  return !isMemAgentOn && name.startsWith('agent.mem_agent_') && name !== 'agent.mem_agent_enable';
}

function applyWords(builder: ConfigBuilder, words: readonly Word[]): void {
  let isMemAgentOn = false;
  for (const { name, value } of words) {
    const option = findOptionByWord(name);
    if (option === undefined || isMuted(name, isMemAgentOn)) continue;
    const reading = readOptionText(option.rule, value);
    if (name === 'agent.mem_agent_enable') isMemAgentOn = reading.kind === 'value' && reading.value === true;
    builder.apply(option, name, value ?? '', reading);
  }
}

function findConfigFile(configFile: string | undefined, words: readonly Word[]): string | undefined {
  return configFile ?? words.find(({ name, value }) => name === CONFIG_FILE_WORD && value !== undefined)?.value;
}

/** The configuration file that counts, if one was named: `-c`, else `agent.config_file=` of the kernel command line. */
export function configFileOf(sources: Pick<ConfigSources, 'cmdline' | 'configFile'>): string | undefined {
  return findConfigFile(sources.configFile, splitWords(sources.cmdline));
}

/** Throws when the file cannot be read or is not TOML; unknown keys and tables are ignored. */
function applyFile(builder: ConfigBuilder, sources: ConfigSources, path: string): void {
  if (sources.parseToml === undefined) throw new Error('nothing to parse it with');
  const table = sources.parseToml(sources.readFile(path));
  for (const key of Object.keys(table)) {
    const option = findOptionByKey(key);
    const value = table[key];
    if (option === undefined) continue;
    // Tables have no prototype, so they cannot be turned into text.
    const text = typeof value === 'object' ? 'a table' : String(value);
    builder.apply(option, key, text, readOptionToml(option.rule, value));
  }
}

function applyEnvironment(builder: ConfigBuilder, environment: ConfigSources['environment']): void {
  const address = environment['KATA_AGENT_SERVER_ADDR'];
  if (address !== undefined) builder.setServerAddress('KATA_AGENT_SERVER_ADDR', address);
  const level = environment['KATA_AGENT_LOG_LEVEL'];
  if (level !== undefined && !builder.setLogLevel(level)) {
    builder.warn('KATA_AGENT_LOG_LEVEL', 'KATA_AGENT_LOG_LEVEL names no log level; it is ignored');
  }
  const tracing = environment['KATA_AGENT_TRACING'];
  if (tracing !== undefined) {
    const reading = readOptionText({ kind: 'bool' }, tracing);
    builder.setTracing(reading.kind === 'value' && reading.value === true);
  }
  builder.setPolicyFile(environment['KATA_AGENT_POLICY_FILE'] ?? '');
}

/**
 * Decides the agent's settings from the kernel command line, a TOML file and the environment (contract section 3).
 *
 * - With `configFile` (`-c`): the file, then the environment; the command line is not looked at.
 * - With `agent.config_file=` on the command line: the file only.
 * - Otherwise: the words in order, the last one wins, then the environment.
 *
 * `kihon.ready` is always taken from the command line: it belongs to this boot, not to the guest's configuration.
 * A bad value of an option warns and keeps the default; only a bad server address or file is `fatal`.
 */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const builder = new ConfigBuilder();
  const words = splitWords(sources.cmdline);
  const path = findConfigFile(sources.configFile, words);
  if (path === undefined) {
    applyWords(builder, words);
    applyEnvironment(builder, sources.environment);
    return builder.finish();
  }
  applyWords(
    builder,
    words.filter((word) => word.name === 'kihon.ready'),
  );
  try {
    if (path === '') throw new Error('the name is empty');
    applyFile(builder, sources, path);
  } catch (error) {
    const { config, warnings } = builder.finish();
    return { config, warnings, fatal: `configuration file ${path}: ${describeError(error)}` };
  }
  if (sources.configFile !== undefined) applyEnvironment(builder, sources.environment);
  return builder.finish();
}
