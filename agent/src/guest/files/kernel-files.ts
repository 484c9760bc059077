/**
 * The files through which the kernel tells and takes settings (`/sys`, `/proc`, `/dev`), as this layer uses them.
 * Tests give a table instead. Paths are absolute; everything is small and read whole.
 */
export interface KernelFiles {
  /** Text of a file, or undefined when it does not exist. Other failures throw SysError. */
  tryRead(path: string): string | undefined;
  /** Names in a directory in the kernel's order; undefined when it does not exist. Other failures throw SysError. */
  tryList(path: string): string[] | undefined;
  /** True when `path` exists, links followed. */
  exists(path: string): boolean;
  /** Writes to an existing file; throws SysError. */
  write(path: string, text: string): void;
  /** Device numbers of a block device node, links followed; undefined when there is no such node. */
  tryBlockDevice(path: string): { major: number; minor: number } | undefined;
  /** The node of a device or whatever else is there, links followed; undefined when there is nothing. */
  tryNode(path: string): DeviceNode | undefined;
  /** Last part of what a symbolic link says; undefined when there is no link. */
  tryLinkName(path: string): string | undefined;
}

/** What a path in `/dev` is. */
export interface DeviceNode {
  readonly type: 'b' | 'c' | 'other';
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
