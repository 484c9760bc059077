import { guestKeys, type KataAssets } from './guest-assets.ts';
import { isTable, type Table } from './configuration.ts';
import { classOfTable, type HypervisorClass } from './hypervisors.ts';

/** One thing to know before our guest takes the place of another. */
export interface Remark {
  /** Where in the configuration, e.g. `hypervisor.qemu.image`. */
  readonly key: string;
  /** `change`: our drop-in sets it. `problem`: it would not work. `note`: it means something else with our guest. */
  readonly kind: 'same' | 'change' | 'problem' | 'note';
  readonly now: string;
  readonly then: string;
  readonly reason?: string;
}

/** What is asked of the host's files; injected, so that the comparison is pure. */
export interface AssetFacts {
  readonly exists: (path: string) => boolean;
  /** Bytes. */
  readonly size: (path: string) => number;
}

/** Kata refuses less. */
const LEAST_MEMORY_MIB = 256;
const DEFAULT_MEMORY_MIB = 2048;

const shown = (value: unknown): string => (value === undefined ? '(not set)' : JSON.stringify(value));

function compareGuest(at: string, table: Table, hypervisor: HypervisorClass, assets: KataAssets): Remark[] {
  if (hypervisor.root === 'image' && assets.image === undefined) {
    const reason = `${hypervisor.title} boots from an image, and none is installed (kihon build image)`;
    return [{ key: `${at}.image`, kind: 'problem', now: shown(table['image']), then: '', reason }];
  }
  return Object.entries(guestKeys(hypervisor, assets)).map(([key, value]) => {
    // An empty path is the same as none.
    const isSame = table[key] === value || (value === '' && table[key] === undefined);
    return { key: `${at}.${key}`, kind: isSame ? 'same' : 'change', now: shown(table[key]), then: shown(value) };
  });
}

function checkFiles(at: string, hypervisor: HypervisorClass, assets: KataAssets, facts: AssetFacts): Remark[] {
  const root = hypervisor.root === 'image' ? assets.image?.path : assets.initrd;
  return [assets.kernel, ...(root === undefined ? [] : [root])]
    .filter((path) => !facts.exists(path))
    .map((path) => ({
      key: at,
      kind: 'problem',
      now: '',
      then: shown(path),
      reason: 'the file is not there (make install)',
    }));
}

function checkMemory(
  at: string,
  table: Table,
  hypervisor: HypervisorClass,
  assets: KataAssets,
  facts: AssetFacts,
): Remark[] {
  const value = table['default_memory'] ?? DEFAULT_MEMORY_MIB;
  const key = `${at}.default_memory`;
  if (typeof value !== 'number') {
    return [{ key, kind: 'problem', now: shown(value), then: '', reason: 'not a number of MiB' }];
  }
  if (value < LEAST_MEMORY_MIB) {
    const reason = `Kata refuses less than ${LEAST_MEMORY_MIB} MiB`;
    return [{ key, kind: 'problem', now: shown(value), then: '', reason }];
  }
  if (hypervisor.root !== 'initrd' || !facts.exists(assets.initrd)) return [];
  const initrdMib = facts.size(assets.initrd) / (1 << 20);
  if (initrdMib < value) return [];
  const reason = `Kata refuses an initrd (${Math.ceil(initrdMib)} MiB) that is not smaller than the memory`;
  return [{ key, kind: 'problem', now: shown(value), then: '', reason }];
}

/** Settings that a host may have and that mean something else, or nothing, with our guest. */
function notes(at: string, table: Table, hypervisor: HypervisorClass): Remark[] {
  const remarks: Remark[] = [];
  const note = (key: string, reason: string, kind: 'note' | 'problem' = 'note'): void => {
    remarks.push({ key: `${at}.${key}`, kind, now: shown(table[key]), then: shown(table[key]), reason });
  };
  const isSet = (key: string): boolean =>
    table[key] !== undefined && table[key] !== '' && table[key] !== false && shown(table[key]) !== '[]';
  if (isSet('kernel_verity_params') && hypervisor.root === 'initrd')
    note('kernel_verity_params', 'an initrd has no block device to verify; it is measured as a whole');
  if (isSet('confidential_guest'))
    note('confidential_guest', 'needs the `confidential` kernel and a policy in the image (docs/policy.md)');
  if (table['shared_fs'] === 'virtio-9p') note('shared_fs', 'needs a kernel with 9p: `kata`, not `lean`');
  if (isSet('guest_hook_path'))
    note('guest_hook_path', 'hooks are programs of the image; the initrd has none by itself');
  for (const key of ['kernel_hash', 'initrd_hash', 'image_hash'])
    if (isSet(key)) note(key, 'is of another file: Kata would refuse ours', 'problem');
  const parameters = typeof table['kernel_params'] === 'string' ? table['kernel_params'].split(/\s+/) : [];
  if (hypervisor.root === 'initrd' && parameters.some((word) => word.startsWith('rdinit=')))
    note('kernel_params', 'rdinit= names a program of another initrd; ours starts by itself', 'problem');
  if (hypervisor.root === 'image' && parameters.some((word) => word.startsWith('init=')))
    note('kernel_params', 'init= names a program of another image; ours has /sbin/init');
  if (isSet('guest_extension_images')) note('guest_extension_images', 'extensions are made for Kata’s own image');
  return remarks;
}

/** Settings of the agent's tables that need something of the image. */
function agentNotes(agents: unknown, hasImage: boolean): Remark[] {
  if (!isTable(agents)) return [];
  return Object.entries(agents).flatMap(([name, table]): Remark[] => {
    if (!isTable(table)) return [];
    const at = `agent.${name}`;
    const remark = (key: string, kind: 'note' | 'problem', reason: string): Remark => {
      const value = shown(table[key]);
      return { key: `${at}.${key}`, kind, now: value, then: value, reason };
    };
    const modules = table['kernel_modules'];
    const remarks: Remark[] = [];
    if (Array.isArray(modules) && modules.length > 0) {
      const inImage = 'needs modprobe and the modules in the image; our kernels have none';
      const inInitrd = 'our initrd has no modprobe, and our kernels no modules: no sandbox would start';
      remarks.push(
        hasImage ? remark('kernel_modules', 'note', inImage) : remark('kernel_modules', 'problem', inInitrd),
      );
    }
    if (table['debug_console_enabled'] === true && !hasImage)
      remarks.push(remark('debug_console_enabled', 'note', 'our initrd has no shell (docs/observability.md)'));
    return remarks;
  });
}

/**
 * What changes when `assets` become the guest of this configuration: every key that our drop-in sets, and every setting that would not work
 * or would mean something else.
 */
export function compareConfiguration(values: Table, assets: KataAssets, facts: AssetFacts): readonly Remark[] {
  const hypervisors = values['hypervisor'];
  if (!isTable(hypervisors) || Object.keys(hypervisors).length === 0) {
    return [{ key: 'hypervisor', kind: 'problem', now: '(not set)', then: '', reason: 'no hypervisor is configured' }];
  }
  const remarks = Object.entries(hypervisors).flatMap(([name, table]): Remark[] => {
    const at = `hypervisor.${name}`;
    const hypervisor = classOfTable(name);
    if (hypervisor === undefined)
      return [{ key: at, kind: 'note', now: '', then: '', reason: 'we have no drop-in for it; it stays as it is' }];
    if (!isTable(table)) return [{ key: at, kind: 'problem', now: shown(table), then: '', reason: 'not a table' }];
    return [
      ...compareGuest(at, table, hypervisor, assets),
      ...checkFiles(at, hypervisor, assets, facts),
      ...checkMemory(at, table, hypervisor, assets, facts),
      ...notes(at, table, hypervisor),
    ];
  });
  const served = Object.keys(hypervisors).filter((name) => classOfTable(name) !== undefined);
  if (served.length > 0)
    remarks.push(
      ...agentNotes(
        values['agent'],
        served.every((name) => classOfTable(name)?.root === 'image'),
      ),
    );
  if (served.length > 1)
    remarks.push({
      key: 'hypervisor',
      kind: 'note',
      now: served.join(', '),
      then: '',
      reason: 'Kata uses one hypervisor per configuration; with several tables it is not said which',
    });
  return remarks;
}
