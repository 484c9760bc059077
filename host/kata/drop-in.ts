import { guestKeys, type KataAssets } from './guest-assets.ts';
import type { HypervisorClass } from './hypervisors.ts';

/** A TOML basic string (toml.io, "String"). */
function tomlString(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/**
 * The drop-in for the `config.d` beside a configuration of this hypervisor. One per hypervisor and folder: a table of another one would
 * change which hypervisor Kata uses.
 */
export function kataDropIn(hypervisor: HypervisorClass, assets: KataAssets): string {
  const lines = Object.entries(guestKeys(hypervisor, assets)).map(
    ([key, value]) => `${key} = ${typeof value === 'string' ? tomlString(value) : String(value)}`,
  );
  return [
    `# Makes Kata Containers boot its ${hypervisor.title} VMs with the guest of kihon.`,
    `[hypervisor.${hypervisor.table}]`,
    ...lines,
    '',
  ].join('\n');
}
