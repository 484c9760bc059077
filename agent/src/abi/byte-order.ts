/** Byte order of the target, for DataView: true is little-endian. All targets built today are; s390x would not be. */
export const littleEndian = true;
