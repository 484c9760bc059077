/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: QuickJS-ng in one static program. Mechanism only, no policy. */
#ifndef KIHON_ENGINE_H
#define KIHON_ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "quickjs.h"

/* One of the programs in the ELF. */
struct entry {
    const char *name;
    /* The module that is run. */
    const char *module;
    /* Lives long, so its memory must be given back. */
    int is_resident;
    /* Goes into containers itself, so its file must be out of their reach (protect.c). */
    int is_exposed;
    /* Does not run: it is loaded, and then written out as an image (image.c). */
    int is_image_maker;
};

/* The entry for this process, chosen by the base name of argv[0]; the first one is the default. */
const struct entry *entry_select(const char *argv0);

/* Installs the global object `engine`. Returns -1 with a pending exception. */
int natives_install(JSContext *ctx, const struct entry *entry);
/* Gives `engine` the arguments and the environment of this process. Returns -1 with a pending exception. */
int natives_start(JSContext *ctx, char **argv, char **envp);
/* From here on a system call is an error: what is being loaded would carry one process's state into others. */
void natives_forbid_calls(void);

/* Runs the embedded module of that name. The value of its evaluation (a promise), or an exception. */
JSValue modules_run(JSContext *ctx, const char *name);

/* Goes on as a copy of this process whose executable nobody can write to. Returns when it is one, or cannot become one. */
void protect_executable(char **argv, char **envp);

/* A runtime whose memory comes from heap.c. */
JSRuntime *heap_new_runtime(void);
/* The same with its memory at fixed addresses, to be written out. */
JSRuntime *heap_new_image(void);

/* Calls `visit` with each block that does not lie in an arena, of a heap that becomes an image. */
void heap_each_block(void (*visit)(void *opaque, void *block), void *opaque);

/* Makes what the interpreter would make when it is first used. Returns -1 with a pending exception. */
int interpreter_complete(JSContext *ctx);
/* Makes everything there is immortal: its references are no longer counted, and collection leaves it alone (interpreter.c). */
void interpreter_freeze(JSRuntime *rt);

/* What of the heap is in an image. */
struct heap_image {
    void *arenas, *blocks;
    size_t arenas_bytes, blocks_bytes;
    /* At the end of the arenas: those for what is made later. */
    size_t young_bytes;
};
/* Before the description: leaves no arena half full. */
void heap_fill_arenas(JSRuntime *rt);
void heap_describe(struct heap_image *image);
/* Maps both parts from `fd`, each from a page's beginning. 1, or 0 and nothing has changed. */
int heap_adopt(const struct heap_image *image, int fd, off_t offset);
/* Rounded up to whole pages of any architecture. */
static inline size_t heap_pages(size_t bytes) {
    return (bytes + 0xffff) & ~(size_t)0xffff;
}

/* Finds the image behind this program's own ELF and goes on from it. 1, or 0 when there is none that fits. */
int image_restore(JSRuntime **rt, JSContext **ctx);
/* The interpreter remembers where its stack is: goes on where addresses are no matter of chance, without an environment. */
void image_leave_chance(char **argv);
/* A runtime for a program that will be written out. */
JSRuntime *image_new_runtime(void);
/* Writes the image of a loaded program to standard output. */
void image_write(JSRuntime *rt, JSContext *ctx);

/* Switches the mode for a module that is being loaded; gives the mode there was. */
int heap_loading(int on);

/* Rejected promises nobody handles. */
void rejections_track(JSRuntime *rt);
/* 1 while rejections wait to be judged: the next turn must not wait for events. */
int rejections_pending(void);
/* 1 and the reason (owned by the caller) when a rejection stayed unhandled for a whole turn. */
int rejections_expired(JSContext *ctx, JSValue *reason);

/* Reports `error` with stack and causes, lets the program say good-bye (`engine.onFatal`), then ends: power-off as PID 1. */
void fatal_exception(JSContext *ctx, JSValue error) __attribute__((noreturn));
/* The same without JavaScript: writes `text`, then ends. */
void fatal_message(const char *text) __attribute__((noreturn));

/* Descriptor that a program may point at its log connection: a fatal message is written there as well as to stderr. */
#define FATAL_LOG_FD 9

#endif
