import { DEFAULT_CONFIG, parseLogLevel, secondsToMs, type AgentConfig } from './agent-config.ts';
import { withMemAgentOption } from '../memory/mem-agent-config.ts';
import type { OptionReading, OptionValue } from './option-rule.ts';
import type { OptionSpec } from './option-table.ts';
import { parseServerAddress } from './server-address.ts';

/** Words of the memory agent, and the one without which the others count for nothing. */
const MEM_AGENT_PREFIX = 'agent.mem_agent_';
const MEM_AGENT_SWITCH = 'agent.mem_agent_enable';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Collects settings one by one; later ones win. Never throws. */
export class ConfigBuilder {
  readonly #config: Mutable<AgentConfig> = { ...DEFAULT_CONFIG };
  readonly #warnings: string[] = [];
  readonly #warned = new Set<string>();
  /** Reason why the address that was given last cannot be used. */
  #addressFailure: string | undefined;

  /** Applies one reading of an option; `name` is how the user wrote it. */
  apply(option: OptionSpec, name: string, text: string, reading: OptionReading): void {
    if (reading.kind === 'ignored') return;
    if (reading.kind === 'bad') {
      if (option.key === 'server_addr') this.#addressFailure = `${name} ${reading.reason}`;
      else this.warn(name, `${name}: value ${quote(text)} ${reading.reason}; the default is used`);
      return;
    }
    if (!option.acts) {
      this.warn(name, `${name} is set, but this agent does not act on it yet`);
      return;
    }
    this.#set(option, name, reading.value);
  }

  /** Adds a warning unless one about `name` was added before. */
  warn(name: string, message: string): void {
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#warnings.push(message);
  }

  setServerAddress(name: string, text: string): void {
    const address = parseServerAddress(text);
    if (typeof address === 'string') {
      this.#addressFailure = `${name} ${quote(text)}: ${address}`;
      return;
    }
    this.#addressFailure = undefined;
    this.#config.serverAddress = address;
  }

  /** Kata's name of a level; false when there is no such level. */
  setLogLevel(name: string): boolean {
    const level = parseLogLevel(name);
    if (level !== undefined) this.#config.logLevel = level;
    return level !== undefined;
  }

  setPolicyFile(path: string): void {
    if (path !== '') this.#config.policyFile = path;
  }

  finish(): { config: AgentConfig; warnings: readonly string[]; fatal?: string } {
    const result = { config: { ...this.#config }, warnings: [...this.#warnings] };
    return this.#addressFailure === undefined ? result : { ...result, fatal: this.#addressFailure };
  }

  /** KATA_AGENT_TRACING counts whenever it is there: a value that is not true switches tracing off. */
  setTracing(isTracing: boolean): void {
    this.#config.isTracing = isTracing;
  }

  #set(option: OptionSpec, name: string, value: OptionValue): void {
    const config = this.#config;
    if (option.word.startsWith(MEM_AGENT_PREFIX)) {
      if (option.word === MEM_AGENT_SWITCH) config.isMemAgentOn = value === true;
      else config.memAgent = withMemAgentOption(config.memAgent, option.word.slice(MEM_AGENT_PREFIX.length), value);
      return;
    }
    switch (option.word) {
      case 'agent.log':
        this.setLogLevel(String(value));
        break;
      case 'agent.log_vport':
        config.logVport = Math.max(0, Number(value));
        break;
      case 'agent.passfd_listener_port':
        config.passfdPort = Math.max(0, Number(value));
        break;
      case 'agent.cdi_timeout':
        config.cdiTimeoutMs = secondsToMs(value as bigint);
        break;
      case 'agent.visible_cdi_devices':
        config.readsCdiEnvironment = value === true;
        break;
      case 'agent.server_addr':
        this.setServerAddress(name, String(value));
        break;
      case 'agent.container_pipe_size':
        config.containerPipeSizeBytes = Number(value);
        break;
      case 'agent.hotplug_timeout':
        config.hotplugTimeoutMs = secondsToMs(value as bigint);
        break;
      case 'agent.trace':
        config.isTracing = value === true;
        break;
      case 'agent.debug_console':
        config.hasDebugConsole = value === true;
        break;
      case 'agent.debug_console_vport':
        config.debugConsoleVport = Math.max(0, Number(value));
        break;
      case 'agent.policy_file':
        config.policyFile = String(value);
        break;
      case 'kihon.ready':
        config.readyPort = Number(value);
        break;
      case 'kihon.ptp':
        config.followsHostClock = value === true;
        break;
      case 'systemd.unified_cgroup_hierarchy':
        config.isCgroupV1Requested = value === false;
        break;
      case 'cgroup_no_v1':
        if (value === 'all') config.isCgroupV1Requested = false;
        break;
      default:
        throw new Error(`option ${option.word} has no place in the configuration`);
    }
  }
}

/** Text of a user in quotes, cut so that a warning stays one short line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text);
}
