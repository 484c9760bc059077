/** One write into a file of the container's cgroup (v2). */
export interface CgroupWrite {
  readonly file: string;
  /** One line; a file that takes a line for each device gets several writes. */
  readonly value: string;
  /** Which controller makes the file. */
  readonly controller: string;
  /** The field of the spec that asks for it. */
  readonly field: string;
  /**
   * What may fail. `must`: nothing. `hint`: everything, it is logged. `if-present`: a kernel without the file has nothing to
   * limit, which is logged; `optional`: the same without a word. `lenient`: the controller must be there, but a value that the
   * kernel refuses is only logged where the cgroup is lenient (CPUs are plugged in later; contract, lifecycle section 12.4).
   */
  readonly need: 'must' | 'hint' | 'if-present' | 'optional' | 'lenient';
}
