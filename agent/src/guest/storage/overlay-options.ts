import { parseMountPoint, type MountPoint } from './mount-point.ts';
import { storageFailure } from './storage-error.ts';

/** Driver option that names a directory to be made first. */
const CREATE_DIRECTORY = 'io.katacontainers.volume.overlayfs.create_directory=';
/** Asks for a writable layer in the container's own folder. */
const WRITABLE = 'io.katacontainers.fs-opt.overlay-rw';
/** The kernel's limit (OVL_MAX_STACK). */
const MAX_LOWER = 500;

/** An overlay whose directories were checked: all of them are below an allowed base. */
export interface OverlayPlan {
  /** Made before the mount. */
  readonly create: readonly MountPoint[];
  /** Topmost first. */
  readonly lower: readonly MountPoint[];
  readonly upper: MountPoint | undefined;
  readonly work: MountPoint | undefined;
  /** The driver makes a writable layer, and takes it away with the mount. */
  readonly ownsLayer: boolean;
  /** What is left for the kernel. */
  readonly options: readonly string[];
}

/** Splits where `separator` is not escaped by a backslash. */
function splitUnescaped(text: string, separator: ',' | ':'): string[] {
  const parts: string[] = [];
  let part = '';
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === separator) {
      parts.push(part);
      part = '';
    } else part += char === '\\' ? char + text.charAt(++index) : char;
  }
  parts.push(part);
  return parts;
}

function directory(text: string, field: string): MountPoint {
  return parseMountPoint(text.replace(/\\(.)/gs, '$1'), field);
}

/**
 * Reads the options of an overlay (contract storage 4.4). Throws a DomainError, `invalid_argument` for a directory outside
 * of the allowed bases: with a layer elsewhere a container would read or change the guest's own files (API-08).
 *
 * @param containerId undefined for a storage of the sandbox.
 */
export function planOverlay(
  storage: { readonly options: readonly string[]; readonly driverOptions: readonly string[] },
  containerId: string | undefined,
): OverlayPlan {
  const create = storage.driverOptions
    .filter((option) => option.startsWith(CREATE_DIRECTORY))
    .map((option) => directory(option.slice(CREATE_DIRECTORY.length), 'storage.driver_options: create_directory'));
  const plain: string[] = [];
  let lower: readonly MountPoint[] = [];
  let upper: MountPoint | undefined;
  let work: MountPoint | undefined;
  let ownsLayer = false;
  for (const option of storage.options.flatMap((each) => splitUnescaped(each, ','))) {
    const value = option.slice(option.indexOf('=') + 1);
    if (option === WRITABLE) ownsLayer = true;
    else if (option.startsWith('lowerdir=')) {
      lower = splitUnescaped(value, ':').map((each) => directory(each, 'storage.options: lowerdir'));
    } else if (option.startsWith('upperdir=')) upper = directory(value, 'storage.options: upperdir');
    else if (option.startsWith('workdir=')) work = directory(value, 'storage.options: workdir');
    else if (/^(lowerdir|datadir)\+=/.test(option)) throw storageFailure(`invalid mount option ${option}`);
    else plain.push(option);
  }
  if (lower.length > MAX_LOWER) throw storageFailure(`${lower.length} layers, the kernel takes ${MAX_LOWER}`);
  if (ownsLayer) {
    if (containerId === undefined) throw storageFailure('No container id in rw overlay');
    const own = (name: string): MountPoint => parseMountPoint(`/run/kata-containers/${containerId}/${name}`);
    upper = own('upper');
    work = own('work');
  }
  return { create, lower, upper, work, ownsLayer, options: plain };
}
