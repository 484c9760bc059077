import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG } from '../../../../agent/src/guest/config/agent-config.ts';
import { OPTIONS } from '../../../../agent/src/guest/config/option-table.ts';
import { parseToml } from '../../../../agent/src/guest/config/parse-toml.ts';
import { resolveConfig, type ResolvedConfig } from '../../../../agent/src/guest/config/resolve-config.ts';
import { DEFAULT_MEM_AGENT } from '../../../../agent/src/guest/memory/mem-agent-config.ts';

interface Input {
  cmdline?: string;
  configFile?: string;
  environment?: Record<string, string>;
  files?: Record<string, string>;
}

function resolve({ cmdline = '', configFile, environment = {}, files = {} }: Input): ResolvedConfig {
  return resolveConfig({
    cmdline,
    configFile,
    environment,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`open ${path}: ENOENT`);
      return text;
    },
    parseToml,
  });
}

describe('resolveConfig() on the kernel command line', () => {
  it('gives the defaults without options', () => {
    expect(resolve({ cmdline: 'console=hvc0 root=/dev/pmem0p1 panic=1 quiet\n' })).toEqual({
      config: DEFAULT_CONFIG,
      warnings: [],
    });
  });

  it.each<[string, Partial<ResolvedConfig['config']>]>([
    ['agent.log=debug', { logLevel: 'DEBG' }],
    ['agent.log=fatal', { logLevel: 'CRIT' }],
    ['agent.log=warning', { logLevel: 'WARN' }],
    ['agent.log=error agent.log=trace', { logLevel: 'TRCE' }],
    ['agent.log_vport=1025', { logVport: 1025 }],
    ['agent.log_vport=0', {}],
    ['agent.log_vport=-5', {}],
    ['agent.server_addr=unix:///run/a=b', { serverAddress: { kind: 'unix', path: '/run/a=b' } }],
    ['agent.container_pipe_size=2097152', { containerPipeSizeBytes: 2097152 }],
    ['agent.hotplug_timeout=10', { hotplugTimeoutMs: 10_000 }],
    ['agent.hotplug_timeout=0', {}],
    ['agent.hotplug_timeout=18446744073709551615', { hotplugTimeoutMs: 0x7fffffff }],
    ['kihon.ready=1026', { readyPort: 1026 }],
    ['kihon.ptp', { followsHostClock: true }],
    ['kihon.ptp=1', { followsHostClock: true }],
    ['kihon.ptp=maybe', { followsHostClock: false }],
    ['systemd.unified_cgroup_hierarchy=1', {}],
    ['systemd.unified_cgroup_hierarchy=0', { isCgroupV1Requested: true }],
    ['systemd.unified_cgroup_hierarchy=0 cgroup_no_v1=all', {}],
    ['cgroup_no_v1=memory', {}],
    ['"agent.log=debug"', {}],
    ['agent.debug_console=yes', {}],
  ])('%s', (cmdline, changed) => {
    expect(resolve({ cmdline })).toEqual({ config: { ...DEFAULT_CONFIG, ...changed }, warnings: [] });
  });

  it.each([
    'agent.log=Debug',
    'agent.log=',
    'agent.log_vport=abc',
    'agent.log_vport=1=2',
    'agent.log_vport=4294967296',
    'agent.container_pipe_size=-1',
    'agent.container_pipe_size=9999999999',
    'agent.hotplug_timeout=3s',
    'agent.hotplug_timeout=-1',
    'agent.guest_components_procs=all',
    'agent.mem_agent_enable=1 agent.mem_agent_memcg_disable=1',
    'agent.image_pull_timeout=x',
  ])('a bad value keeps the default and warns by name: %s', (cmdline) => {
    const { config, warnings, fatal } = resolve({ cmdline });
    expect(config).toEqual({ ...DEFAULT_CONFIG, isMemAgentOn: cmdline.startsWith('agent.mem_agent_enable=1 ') });
    expect(fatal).toBeUndefined();
    const name = /(agent\.\w+)=[^ ]*$/.exec(cmdline)?.[1];
    expect(warnings.at(-1)).toContain(`${name}: value`);
  });

  it('takes the port of passed connections', () => {
    expect(resolve({ cmdline: 'agent.passfd_listener_port=1027' })).toMatchObject({
      config: { passfdPort: 1027 },
      warnings: [],
    });
  });

  it.each([
    ['agent.devmode', 'agent.devmode'],
    ['agent.cdh_api_timeout=60 agent.cdh_api_timeout=61', 'agent.cdh_api_timeout'],
    ['agent.no_proxy=a,b', 'agent.no_proxy'],
  ])('a known option without effect warns once: %s', (cmdline, name) => {
    expect(resolve({ cmdline }).warnings).toEqual([`${name} is set, but this agent does not act on it yet`]);
  });

  it('looks at mem agent options only after its switch', () => {
    const words =
      'agent.mem_agent_memcg_swap=nonsense agent.mem_agent_compact_order=3 agent.mem_agent_enable=1 ' +
      'agent.mem_agent_memcg_swappiness_max=7 agent.mem_agent_compact_sec_max=-1 agent.mem_agent_compact_disable=true';
    const { config, warnings } = resolve({ cmdline: words });
    expect(warnings).toEqual([]);
    expect(config.isMemAgentOn).toBe(true);
    expect(config.memAgent).toEqual({
      reclaim: { ...DEFAULT_MEM_AGENT.reclaim, swappinessMax: 7 },
      compact: { ...DEFAULT_MEM_AGENT.compact, compactSecMax: -1n, isDisabled: true },
    });
  });

  it('knows a place for every option of the mem agent', () => {
    const words = OPTIONS.filter(({ word }) => word.startsWith('agent.mem_agent_')).map(({ word, rule }) =>
      rule.kind === 'strictBool' || rule.kind === 'bool' ? `${word}=true` : `${word}=3`,
    );
    const { config, warnings } = resolve({ cmdline: words.join(' ') });
    expect([words.length, warnings, config.isMemAgentOn]).toEqual([16, [], true]);
    const { reclaim, compact } = config.memAgent;
    for (const value of Object.values<unknown>({ ...reclaim, ...compact })) expect([true, 3, 3n]).toContain(value);
  });

  it.each([
    ['agent.trace', {}, true],
    ['agent.trace=true', {}, true],
    ['agent.trace=2', {}, true],
    ['agent.trace=yes', {}, false],
    ['agent.trace agent.trace=0', {}, false],
    ['', { KATA_AGENT_TRACING: '1' }, true],
    ['agent.trace', { KATA_AGENT_TRACING: 'false' }, false],
    ['agent.trace', { KATA_AGENT_TRACING: '' }, false],
    ['', {}, false],
  ])('tracing with "%s" and %j: %s', (cmdline, environment, isTracing) => {
    const { config, warnings } = resolve({ cmdline, environment });
    expect([config.isTracing, warnings]).toEqual([isTracing, []]);
  });

  it.each([
    ['', false, 0],
    ['agent.debug_console', true, 0],
    ['agent.debug_console=true', false, 0],
    ['agent.debug_console agent.debug_console_vport=1026', true, 1026],
    ['agent.debug_console agent.debug_console_vport=-1', true, 0],
    ['agent.debug_console_vport=1026', false, 1026],
  ])('the debug console with "%s": %s, port %i', (cmdline, hasDebugConsole, debugConsoleVport) => {
    expect(resolve({ cmdline }).config).toMatchObject({ hasDebugConsole, debugConsoleVport });
  });

  it.each(['agent.server_addr=', 'agent.server_addr=tcp://0.0.0.0:1', 'agent.server_addr=nowhere'])(
    'a bad server address is fatal: %s',
    (cmdline) => {
      expect(resolve({ cmdline }).fatal).toContain('agent.server_addr');
    },
  );

  it('a later good server address repairs a bad one', () => {
    const result = resolve({
      cmdline: 'agent.server_addr=bad',
      environment: { KATA_AGENT_SERVER_ADDR: 'unix://@x' },
    });
    expect(result.fatal).toBeUndefined();
    expect(result.config.serverAddress).toEqual({ kind: 'abstract', name: 'x' });
  });

  it('never throws, whatever the words are', () => {
    const words = fc.constantFrom(
      ...OPTIONS.map((option) => option.word).filter((word) => word !== ''),
      'x',
      '__proto__',
    );
    const pair = fc.tuple(words, fc.option(fc.string({ maxLength: 30 }), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
        const cmdline = pairs.map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join(' ');
        expect(resolve({ cmdline }).config.hotplugTimeoutMs).toBeGreaterThan(0);
      }),
    );
  });

  it('gives an answer for every acting option', () => {
    for (const option of OPTIONS.filter((each) => each.acts && each.word !== '')) {
      for (const value of ['1', 'true', 'all', 'info', 'unix://@a']) resolve({ cmdline: `${option.word}=${value}` });
    }
  });
});

describe('resolveConfig() with the environment', () => {
  it('reads it last', () => {
    const { config } = resolve({
      cmdline: 'agent.log=error agent.server_addr=vsock://-1:5',
      environment: { KATA_AGENT_LOG_LEVEL: 'debug', KATA_AGENT_SERVER_ADDR: 'unix:///a' },
    });
    expect(config.logLevel).toBe('DEBG');
    expect(config.serverAddress).toEqual({ kind: 'unix', path: '/a' });
  });

  it('ignores a bad level with a warning, refuses a bad address', () => {
    const result = resolve({ environment: { KATA_AGENT_LOG_LEVEL: 'loud', KATA_AGENT_SERVER_ADDR: '' } });
    expect(result.config.logLevel).toBe('INFO');
    expect(result.warnings).toHaveLength(1);
    expect(result.fatal).toContain('KATA_AGENT_SERVER_ADDR');
  });
});

describe('resolveConfig() with a file', () => {
  const file = [
    'log_level = "debug"',
    'server_addr = "vsock://8:2048"',
    'container_pipe_size = 4096',
    'dev_mode = true',
    'unknown = [1, 2]',
    '[hotplug_timeout]',
    'secs = 5',
    'nanos = 0',
    '[endpoints]',
    'allowed = ["CreateContainer"]',
  ].join('\n');

  it('on the kernel command line replaces all other options and the environment, but not kihon.ready', () => {
    const result = resolve({
      cmdline: 'agent.log_vport=1 kihon.ready=77 agent.config_file=/etc/a.toml agent.log=trace',
      environment: { KATA_AGENT_LOG_LEVEL: 'error' },
      files: { '/etc/a.toml': file },
    });
    expect(result.config).toEqual({
      ...DEFAULT_CONFIG,
      logLevel: 'DEBG',
      serverAddress: { kind: 'vsock', cid: 8, port: 2048 },
      containerPipeSizeBytes: 4096,
      hotplugTimeoutMs: 5000,
      readyPort: 77,
    });
    expect(result.warnings).toEqual(['dev_mode is set, but this agent does not act on it yet']);
  });

  it('as an argument is followed by the environment, and the command line is not looked at', () => {
    const result = resolve({
      cmdline: 'agent.log_vport=1',
      configFile: '/a',
      environment: { KATA_AGENT_LOG_LEVEL: 'error' },
      files: { '/a': file },
    });
    expect(result.config.logVport).toBe(0);
    expect(result.config.logLevel).toBe('ERRO');
  });

  it.each<[string, string | undefined]>([
    ['a missing one', undefined],
    ['a broken one', 'log_level = '],
    ['one that nests without end', `a = ${'['.repeat(10_000)}`],
  ])('refuses to start with %s', (_name, text) => {
    const result = resolve({ cmdline: 'agent.config_file=/a', files: text === undefined ? {} : { '/a': text } });
    expect(result.fatal).toMatch(/^configuration file \/a: /);
  });

  it('refuses an empty name', () => {
    expect(resolve({ cmdline: 'agent.config_file=' }).fatal).toBeDefined();
  });

  it.each(['log_level = 1', 'container_pipe_size = "x"', 'hotplug_timeout = 3', 'log_vport = 1.5', 'tracing = "yes"'])(
    'a value of the wrong type keeps the default and warns: %s',
    (text) => {
      const result = resolve({ configFile: '/a', files: { '/a': text } });
      expect(result.config).toEqual(DEFAULT_CONFIG);
      expect(result.warnings).toHaveLength(1);
      expect(result.fatal).toBeUndefined();
    },
  );

  it('treats keys as data', () => {
    const result = resolve({ configFile: '/a', files: { '/a': '__proto__ = 1\nconstructor = 2\n' } });
    expect(result).toEqual({ config: DEFAULT_CONFIG, warnings: [] });
  });
});
