/**
 * The agent: PID 1 of a guest, or a plain process for tests and development. Reads the settings, wires the parts together, owns
 * the end of the program.
 */
import { SIGINT, SIGTERM } from '../abi/constants.ts';
import { describeError } from '../base/errors.ts';
import { encodeBytes } from '../base/text.ts';
import { AGENT_VERSION, API_VERSION } from '../api/version.ts';
import { Server } from '../api/server.ts';
import { CGROUP_ROOT } from '../guest/boot/boot-plan.ts';
import { bootEarly, bootLate, prepareProcess } from '../guest/boot/boot-as-init.ts';
import { parseArguments } from '../guest/config/arguments.ts';
import { configFileOf, resolveConfig } from '../guest/config/resolve-config.ts';
import type { ResolvedConfig } from '../guest/config/resolve-config.ts';
import { formatServerAddress } from '../guest/config/server-address.ts';
import { removeDns } from '../guest/network/write-dns.ts';
import { openConsoleOutput } from '../guest/log/console-output.ts';
import { createLogger } from '../guest/log/create-logger.ts';
import type { AgentLog } from '../guest/log/create-logger.ts';
import type { DescriptorOutput } from '../guest/log/descriptor-output.ts';
import { reserveFatalDescriptor } from '../guest/log/fatal-descriptor.ts';
import { LogPort } from '../guest/log/log-port.ts';
import { powerOffGuest } from '../guest/shutdown/power-off.ts';
import { agentLaunchRules } from '../libcontainer/launch/launch-rules.ts';
import { openSelfExecutable } from '../libcontainer/launch/self-executable.ts';
import { Zygote } from '../libcontainer/zygote/zygote.ts';
import { Sandbox } from '../sandbox/sandbox.ts';
import { argv, environment, setFatalHandler } from '../sys/program.ts';
import { Fd } from '../sys/fd.ts';
import { readText, unlink, writeAll } from '../sys/file.ts';
import { EventLoop } from '../sys/loop.ts';
import { exit, getpid, resetSignalDispositions } from '../sys/process.ts';
import { Reaper } from '../sys/reaper.ts';
import { watchSignals } from '../sys/signal.ts';
import { wallClock } from '../sys/system.ts';
import { armFailpoints } from './failpoints/arm-failpoints.ts';
import { findCgroupRoot } from './agent/cgroup-root.ts';
import { createGuest } from './agent/create-guest.ts';
import { loadPolicy } from './agent/load-policy.ts';
import { openListener } from './agent/open-listener.ts';
import { sendReady } from './agent/send-ready.ts';
import type { Tracing } from './agent/tracing.ts';

/** sysexits.h: wrong use of the command line. */
const EXIT_USAGE = 2;
/** Where `kill -15` and ctrl-C lead, as a shell counts. */
const SIGNAL_EXIT = 128;
const MAX_CMDLINE_BYTES = 64 << 10;

const isPid1 = getpid() === 1;

function say(descriptor: 1 | 2, text: string): void {
  const fd = new Fd(descriptor, 'console');
  try {
    writeAll(fd, encodeBytes(`${text}\n`));
  } catch {
    // A VM without console.
  } finally {
    fd.release();
  }
}

/** The agent cannot go on: says why, then power-off (PID 1) or exit. */
function die(reason: string, log?: AgentLog): never {
  log?.log('CRIT', reason);
  log?.flush();
  say(2, `kihon: ${reason}`);
  if (isPid1) powerOffGuest();
  exit(1);
}

async function readConfig(configFile: string | undefined): Promise<ResolvedConfig> {
  const sources = {
    cmdline: isPid1 || configFile === undefined ? readText('/proc/cmdline', { maxBytes: MAX_CMDLINE_BYTES }) : '',
    configFile,
    environment: environment(),
    readFile: (path: string) => readText(path),
  };
  if (configFileOf(sources) === undefined) return resolveConfig(sources);
  // Most guests have no file, and then the parser is never read.
  const { parseToml } = await import('../guest/config/parse-toml.ts');
  return resolveConfig({ ...sources, parseToml });
}

async function start(configFile: string | undefined): Promise<void> {
  resetSignalDispositions();
  const log = createLogger({ level: 'INFO', pid: getpid(), now: wallClock });
  setFatalHandler((error) => {
    log.log('CRIT', `fatal: ${describeError(error)}`);
    log.flush();
  });
  if (isPid1) {
    try {
      bootEarly(log);
    } catch (error) {
      die(`boot: ${describeError(error)}`, log);
    }
  }
  const { config, warnings, fatal } = await readConfig(configFile);
  log.setLevel(config.logLevel);
  const console = config.logVport === 0 || fatal !== undefined ? openConsoleOutput() : undefined;
  log.setOutput(console);
  for (const warning of warnings) log.warn(warning);
  if (fatal !== undefined) die(fatal, log);
  try {
    serve(config, log, console, await loadOptions(config, log));
  } catch (error) {
    die(`start: ${describeError(error)}`, log);
  }
}

/** Parts that most guests do not ask for; they are read only when the settings name them. */
async function loadOptions(config: ResolvedConfig['config'], log: AgentLog) {
  return {
    // Before the API opens: no call may come that the policy did not see.
    policy: await loadPolicy(config, log),
    startTracing: config.isTracing ? (await import('./agent/tracing.ts')).startTracing : undefined,
    openPassfd: config.passfdPort === 0 ? undefined : (await import('./agent/open-passfd.ts')).openPassfd,
    startMemAgent: config.isMemAgentOn ? (await import('./agent/mem-agent-services.ts')).startMemAgent : undefined,
    startDebugConsole: config.hasDebugConsole
      ? (await import('./agent/debug-console.ts')).startDebugConsole
      : undefined,
  };
}

type Options = Awaited<ReturnType<typeof loadOptions>>;

/** A log port that cannot be had costs only the log port (boot contract, 2.1 step 10). */
function openLogPort(loop: EventLoop, log: AgentLog, port: number): void {
  try {
    new LogPort(loop, log, port);
  } catch (error) {
    const console = openConsoleOutput();
    console?.attach(loop);
    log.setOutput(console);
    log.error('log port', { port, error: describeError(error) });
  }
}

function serve(
  config: ResolvedConfig['config'],
  log: AgentLog,
  console: DescriptorOutput | undefined,
  options: Options,
): void {
  // Before anything else takes the number.
  if (config.logVport !== 0) reserveFatalDescriptor();
  armFailpoints();
  const loop = EventLoop.create();
  console?.attach(loop);
  if (config.logVport !== 0) openLogPort(loop, log, config.logVport);
  log.info('announce', {
    'agent-version': AGENT_VERSION,
    'api-version': API_VERSION,
    config: `server_addr=${formatServerAddress(config.serverAddress)} log_level=${config.logLevel}`,
  });
  if (isPid1) bootLate(config, log);
  const tracing: Tracing | undefined = options.startTracing?.(loop, log);
  const defaultNofile = prepareProcess(log);
  const reaper = new Reaper(loop);
  const cgroupRoot = isPid1 ? CGROUP_ROOT : findCgroupRoot();
  const families = () => [...(tracing?.families() ?? []), ...(memAgent?.families() ?? [])];
  const guest = createGuest({ loop, reaper, log, config, families });
  const selfExecutable = openSelfExecutable();
  const zygote = new Zygote({ reaper, log: log.child('container') });
  const sandbox = new Sandbox({
    launch: {
      loop,
      reaper,
      log: log.child('container'),
      child: { kind: 'exec', selfExecutable, zygote },
      rules: agentLaunchRules,
      cgroupRoot,
      pipeSize: config.containerPipeSizeBytes,
      defaultNofile,
    },
    log: log.child('sandbox'),
    storages: guest.storages,
    storageContext: guest.storageContext,
    prepareDevices: guest.prepareDevices,
    injectCdi: guest.injectCdi,
    passfd: options.openPassfd?.(loop, log, config.passfdPort),
  });

  const end = (status: number): void => {
    if (tracing === undefined) leave(status);
    else tracing.finish(() => leave(status));
  };
  const leave = (status: number): void => {
    log.info('shutdown');
    log.flush();
    if (config.serverAddress.kind === 'unix') {
      try {
        unlink(config.serverAddress.path);
      } catch {
        // Somebody else removed it.
      }
    }
    if (isPid1) powerOffGuest();
    zygote.stop();
    removeDns();
    exit(status);
  };

  const memAgent = options.startMemAgent?.({
    ...{ loop, reaper, log, sandbox, cgroupRoot },
    config: config.memAgent,
  });
  options.startDebugConsole?.({
    ...{ loop, reaper, log, config, sandbox, isPid1, environment: environment() },
    nofile: defaultNofile,
  });

  // The API opens last, when everything behind it works: "the port answers" means "the guest is ready".
  const server = new Server(loop, openListener(config.serverAddress), {
    sandbox,
    guest: guest.services,
    log,
    isPid1,
    tracer: tracing?.tracer,
    memAgent: memAgent?.services,
    storageDrivers: guest.storages.driverNames,
    policy: options.policy,
    shutDown: () => loop.soon(() => server.drain(() => end(0))),
  });

  // PID 1 ignores what others send it; a plain process cleans up as a shell user expects.
  if (!isPid1) {
    watchSignals(loop, [SIGTERM, SIGINT], ({ signal }) => {
      log.info('ending on a signal', { signal });
      void sandbox.shutDown().then(() => server.drain(() => end(SIGNAL_EXIT + signal)));
    });
  }
  if (config.readyPort !== 0) sendReady(loop, log, config.readyPort);
  // Ready first: it is only needed for the first container.
  zygote.start();
  // The clock of a machine that is not ours is not ours to set.
  if (config.followsHostClock && isPid1) {
    import('./agent/follow-host-clock.ts')
      .then(({ followHostClock }) => followHostClock(loop, log))
      .catch((error: unknown) => log.warn('clock', { error: describeError(error) }));
  }
}

const command = parseArguments(argv.slice(1), isPid1);
switch (command.kind) {
  case 'version':
    say(1, `kihon-agent version: ${AGENT_VERSION}, api version: ${API_VERSION}, type: typescript, features: []`);
    exit(0);
    break;
  case 'usage':
    say(2, `kihon-agent: ${command.message}`);
    exit(EXIT_USAGE);
    break;
  case 'run':
    await start(command.configFile);
    break;
}
