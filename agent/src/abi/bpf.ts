/** Numbers of bpf(2) that are enumerations in linux/bpf.h, so the generator of constants does not see them. */

/** `enum bpf_cmd`. */
export const BPF_PROG_LOAD = 5;
export const BPF_PROG_ATTACH = 8;
export const BPF_PROG_DETACH = 9;
export const BPF_PROG_GET_FD_BY_ID = 13;
export const BPF_PROG_QUERY = 16;

/** `enum bpf_prog_type` and `enum bpf_attach_type`. */
export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
export const BPF_CGROUP_DEVICE = 6;

/** Flags of BPF_PROG_ATTACH; BPF_F_REPLACE came with Linux 5.6. */
export const BPF_F_ALLOW_MULTI = 2;
export const BPF_F_REPLACE = 4;

/** What a program of the device type is asked (`struct bpf_cgroup_dev_ctx`, access_type): access in the high half. */
export const BPF_DEVCG_ACC_MKNOD = 1;
export const BPF_DEVCG_ACC_READ = 2;
export const BPF_DEVCG_ACC_WRITE = 4;
export const BPF_DEVCG_DEV_BLOCK = 1;
export const BPF_DEVCG_DEV_CHAR = 2;
