/** Bytes of a value of 16 or 32 bits, little-endian. */
const u16 = (value: number): number[] => [value & 0xff, value >>> 8];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];

/** Level-triggered, active-high: interrupts of PCI devices (ACPI 6.5, 5.2.12.5). */
const LEVEL_HIGH = 0b1101;

/**
 * The body of an ACPI processor table (MADT, ACPI 6.5, 5.2.12) of the q35 machine that lists all its `cpus` places as usable.
 *
 * QEMU marks the empty ones "not enabled", and Linux 6.12 reserves room for such a place only under a hypervisor that it
 * knows, which TCG is not; with this table, `acpi_apic_instance=2` and `maxcpus=1` it can be given one later under TCG too.
 */
export function processorTable(cpus: number): Uint8Array {
  const local = Array.from({ length: cpus }, (_, id) => [0, 8, id, id, ...u32(1)]);
  const overrides = ([source, global, flags]: readonly [number, number, number]): number[] => [
    ...[2, 10, 0, source, ...u32(global)],
    ...u16(flags),
  ];
  return Uint8Array.from(
    [
      // Where the local APICs are, and that there are two 8259s as well.
      ...[u32(0xfee0_0000), u32(1)],
      ...local,
      [1, 12, 0, 0, ...u32(0xfec0_0000), ...u32(0)],
      overrides([0, 2, 0]),
      ...[5, 9, 10, 11].map((line) => overrides([line, line, LEVEL_HIGH])),
      // Non-maskable interrupts: pin 1 of all local APICs.
      [4, 6, 0xff, ...u16(0), 1],
    ].flat(),
  );
}
