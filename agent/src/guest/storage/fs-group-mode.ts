/** Bits that a volume's group gets: read and write, or read only (contract storage section 5). */
const READ_WRITE = 0o660;
const READ_ONLY = 0o440;
/** Directories can also be entered, and pass their group on to what is made inside. */
const DIRECTORY_EXECUTE = 0o110;
const SETGID = 0o2000;

/** The mode of a file once the group owns it; bits are only added. */
export function fsGroupMode(mode: number, isDirectory: boolean, isReadOnly: boolean): number {
  const access = isReadOnly ? READ_ONLY : READ_WRITE;
  return mode | access | (isDirectory ? DIRECTORY_EXECUTE | SETGID : 0);
}

/** True when the volume's root shows that the group owns it already, as `on_root_mismatch` asks. */
export function isFsGroupApplied(root: { mode: number; gid: number }, groupId: number, isReadOnly: boolean): boolean {
  return root.gid === groupId && fsGroupMode(root.mode, true, isReadOnly) === root.mode;
}
