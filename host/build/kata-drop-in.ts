/** Guest assets as Kata's configuration names them; absolute paths on the host. */
export interface KataAssets {
  readonly kernel: string;
  readonly initrd: string;
}

/** A TOML basic string (toml.io, "String"). */
function tomlString(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/**
 * The drop-in for Kata's `config.d`. Kata refuses a configuration with both an image and an initrd, and the shipped one
 * names an image, so the image is emptied. The kernel parameters ask the agent for the unified cgroup hierarchy.
 */
export function kataDropIn(assets: KataAssets): string {
  return [
    '# Makes Kata Containers boot its VMs with the kernel and initrd of kihon.',
    '[hypervisor.qemu]',
    `kernel = ${tomlString(assets.kernel)}`,
    `initrd = ${tomlString(assets.initrd)}`,
    'image = ""',
    '',
  ].join('\n');
}
