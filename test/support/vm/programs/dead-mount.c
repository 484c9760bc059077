/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts a FUSE file system on the folder it is given, and never answers a request: whoever looks into it waits, as with a share whose
 * server has died. Ends, and the mount with it, when it is killed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char options[128];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (argc < 2 || fd < 0)
        return 1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
    if (mount("dead", argv[1], "fuse.dead", 0, options) < 0)
        return 2;
    /* The caller goes on when this stream has ended. */
    close(1);
    for (;;)
        pause();
}
