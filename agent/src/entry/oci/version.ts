/** Version of this runtime. */
export const runtimeVersion = '0.1.0';
/** The runtime specification it implements. */
export const specificationVersion = '1.2.1';

/** What `--version` says, in runc's form: callers read the lines by their first words. */
export function versionText(): string {
  return `kihon-oci version ${runtimeVersion}\nspec: ${specificationVersion}\n`;
}
