/**
 * The configuration that mkfs.ext4 reads instead of the host's /etc/mke2fs.conf, which is a part of the host and would
 * change the bytes. The features are those of e2fsprogs 1.46, which every kernel since 4.14 mounts: a journal, because
 * Kata's runtime passes `rootflags=data=ordered`, which ext4 refuses without one; no resize inode, as images do not grow.
 */
export const MKE2FS_CONFIG = `[defaults]
	base_features = sparse_super,large_file,filetype,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	enable_periodic_fsck = 0
	blocksize = 4096
	inode_size = 256
	inode_ratio = 16384
[fs_types]
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
`;
