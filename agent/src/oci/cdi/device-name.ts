import { DomainError } from '../../base/errors.ts';

/** A device of a vendor, as annotations name it: `vendor.com/class=name` (CDI specification, "Kind", "Device"). */
export interface CdiDeviceName {
  /** `vendor.com/class`. */
  readonly kind: string;
  readonly name: string;
}

const kindPattern = /^[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\/[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/;
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

/** Annotations that name devices, for one plug-in of the host each. */
const annotationPrefix = 'cdi.k8s.io/';
/** The variable of a container that names devices, where the guest is told to look at it (`agent.visible_cdi_devices`). */
const variable = 'VISIBLE_CDI_DEVICES';
/** More would only keep the request waiting. */
const maxDevices = 1024;

export function isCdiKind(text: string): boolean {
  return text.length <= 255 && kindPattern.test(text);
}

export function isCdiName(text: string): boolean {
  return text.length <= 255 && namePattern.test(text);
}

export function formatCdiName({ kind, name }: CdiDeviceName): string {
  return `${kind}=${name}`;
}

/** Hosts expect `internal` for whatever is wrong with devices (contract, storage section 0). */
export function cdiError(message: string, cause?: unknown): DomainError {
  return new DomainError('internal', `CDI: ${message}`, cause);
}

function parseName(text: string, where: string): CdiDeviceName {
  const equals = text.indexOf('=');
  const [kind, name] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)];
  if (equals > 0 && isCdiKind(kind) && isCdiName(name)) return { kind, name };
  throw cdiError(`${where}: ${JSON.stringify(text.slice(0, 100))} is not of the form vendor/class=name`);
}

function annotated(annotations: ReadonlyMap<string, string>): CdiDeviceName[] {
  const names: CdiDeviceName[] = [];
  for (const [key, value] of annotations)
    if (key.startsWith(annotationPrefix)) names.push(...value.split(',').map((text) => parseName(text, key)));
  return names;
}

/** `kind=all` or `kind=0,1`, several joined by colons; `none` and `void` are nothing. */
function fromVariable(env: readonly string[]): CdiDeviceName[] {
  const value = env.findLast((entry) => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
  if (value === undefined || ['', 'none', 'void'].includes(value)) return [];
  return value.split(':').flatMap((entry) => {
    const equals = entry.indexOf('=');
    const kind = entry.slice(0, Math.max(equals, 0));
    const names = equals < 0 ? [] : entry.slice(equals + 1).split(',');
    const isRight =
      isCdiKind(kind) && names.length > 0 && names.every((name) => name === 'all' || /^\d{1,9}$/.test(name));
    if (!isRight || (names.includes('all') && names.length > 1))
      throw cdiError(`${variable}: ${JSON.stringify(entry.slice(0, 100))} is not of the form kind=all or kind=0,1`);
    return names.map((name) => ({ kind, name: name === 'all' ? name : String(Number(name)) }));
  });
}

/** The devices that a container's annotations, and its environment if asked for, name; each once. Throws `internal`. */
export function cdiDevices(
  annotations: ReadonlyMap<string, string>,
  env: readonly string[] | undefined,
): readonly CdiDeviceName[] {
  const byText = new Map<string, CdiDeviceName>();
  for (const device of [...annotated(annotations), ...(env === undefined ? [] : fromVariable(env))])
    byText.set(formatCdiName(device), device);
  if (byText.size > maxDevices) throw cdiError(`${byText.size} devices, at most ${maxDevices} are accepted`);
  return [...byText.values()];
}
