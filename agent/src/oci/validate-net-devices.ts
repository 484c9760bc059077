import { invalidArgument } from '../base/errors.ts';
import { encodeBytes } from '../base/text.ts';
import { maxMapEntries } from './proto-values.ts';
import type { Spec } from './spec.ts';
import { hasNamespace } from './validate-linux.ts';

/** IFNAMSIZ without its NUL (linux/if.h). */
const maxNameBytes = 15;

/** The number in a template of names, as the kernel has them (dev_alloc_name() in net/core/dev.c). */
const numberMark = '%d';

/** What the kernel takes as a device's name (dev_valid_name() in net/core/dev.c); a percent sign would ask it to number devices. */
function checkName(name: string, field: string): void {
  const { length } = encodeBytes(name);
  if (length < 1 || length > maxNameBytes)
    throw invalidArgument(field, `a name of ${length} bytes, 1 to ${maxNameBytes} are possible`);
  if (name === '.' || name === '..' || /[/:%\s\0]/.test(name))
    throw invalidArgument(field, `${JSON.stringify(name)} cannot be the name of a network device`);
}

/** `linux.netDevices`: names the kernel can take, and a network namespace to move them to (CGN-09). */
export function checkNetDevices(spec: Spec): void {
  const { netDevices } = spec.linux;
  if (netDevices.size === 0) return;
  const field = 'linux.netDevices';
  if (netDevices.size > maxMapEntries)
    throw invalidArgument(field, `${netDevices.size} devices, at most ${maxMapEntries} are accepted`);
  if (!hasNamespace(spec, 'network')) throw invalidArgument(field, 'needs a network namespace');
  const inside = new Map<string, string>();
  for (const [name, target] of netDevices) {
    const at = `${field}[${JSON.stringify(name)}]`;
    checkName(name, at);
    if (target !== undefined) checkName(target.replace(numberMark, '0'), `${at}.name`);
    // Of a template each device gets a name of its own.
    if (target?.includes(numberMark) === true) continue;
    const final = target ?? name;
    const other = inside.get(final);
    if (other !== undefined) throw invalidArgument(`${at}.name`, `${final} is the name of ${other} as well`);
    inside.set(final, name);
  }
}
