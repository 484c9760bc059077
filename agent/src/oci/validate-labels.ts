import { invalidArgument } from '../base/errors.ts';

/** Longest label that the kernel reads from one page of `/proc/<pid>/attr`. */
const maxLabelLength = 4000;

/** `user_u:role_r:type_t:s0` to `s15`, with or without categories (contract, lifecycle section 4.2). */
const selinuxForm = /^[^:]+_u:[^:]+_r:[^:]+_t:s([0-9]|1[0-5])([^0-9].*)?$/;

/** A label of SELinux, of a process or of mounts. */
export function checkSelinuxLabel(label: string | undefined, field: string): void {
  if (label === undefined) return;
  if (label.length > maxLabelLength || /[\n\0]/.test(label) || !selinuxForm.test(label))
    throw invalidArgument(field, `${JSON.stringify(label.slice(0, 80))} is no SELinux label`);
}

/** The name of an AppArmor profile: it becomes the rest of a line. */
export function checkAppArmorProfile(profile: string | undefined, field: string): void {
  if (profile === undefined) return;
  if (profile.length > maxLabelLength || /[\n\0]/.test(profile) || profile.trim() === '')
    throw invalidArgument(field, `${JSON.stringify(profile.slice(0, 80))} is no name of a profile`);
}
