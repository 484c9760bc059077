/** Families about the agent's own process (boot contract, section 7). */
import type { MetricFamily } from '../../codec/prometheus-text.ts';
import { count, gauge, item, itemGauge, keyedCounts, malformed, type KernelUnits } from './family.ts';

/** Places in `/proc/<pid>/stat` after the program's name (proc_pid_stat(5), which counts from 1 and has two before). */
const UTIME = 11;
const STIME = 12;
const CUTIME = 13;
const CSTIME = 14;
const THREADS = 17;
const VSIZE = 20;
const RSS = 21;

/** Families of `/proc/self/stat`. */
export function selfStat(text: string, units: KernelUnits): MetricFamily[] {
  // The name in parentheses may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (index: number): bigint => {
    const value = count(fields[index]);
    if (value === undefined) throw malformed('/proc/self/stat');
    return value;
  };
  const ticks = field(UTIME) + field(STIME);
  return [
    gauge('kata_agent_threads', 'Threads of the agent.', field(THREADS)),
    gauge('kata_agent_total_time', 'CPU time of the agent in seconds.', Number(ticks) / units.ticksPerSecond),
    gauge('kata_agent_total_vm', 'Virtual memory of the agent in bytes.', field(VSIZE)),
    gauge('kata_agent_total_rss', 'Resident memory of the agent in bytes.', field(RSS) * BigInt(units.pageBytes)),
    itemGauge('kata_agent_proc_stat', 'CPU time of the agent and its children in clock ticks.', [
      item('utime', field(UTIME)),
      item('stime', field(STIME)),
      item('cutime', field(CUTIME)),
      item('cstime', field(CSTIME)),
    ]),
  ];
}

/** Names in `/proc/self/status` that are told, in lower case. */
const STATUS_ITEMS =
  'VmPeak VmSize VmLck VmPin VmHWM VmRSS RssAnon RssFile RssShmem VmData VmStk VmExe VmLib VmPTE VmSwap HugetlbPages voluntary_ctxt_switches nonvoluntary_ctxt_switches';

/** The family of `/proc/self/status`. */
export function selfStatus(text: string): MetricFamily[] {
  const values = keyedCounts(text);
  const samples = STATUS_ITEMS.split(' ').map((name) => item(name.toLowerCase(), values.get(name) ?? 0n));
  return [itemGauge('kata_agent_proc_status', 'Memory of the agent in kB, and its context switches.', samples)];
}

const IO_ITEMS = 'rchar wchar syscr syscw read_bytes write_bytes cancelled_write_bytes';

/** The family of `/proc/self/io`. */
export function selfIo(text: string): MetricFamily[] {
  const values = keyedCounts(text);
  const samples = IO_ITEMS.split(' ').map((name) => item(name, values.get(name) ?? 0n));
  return [itemGauge('kata_agent_io_stat', 'Input and output of the agent.', samples)];
}
