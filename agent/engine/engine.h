/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: QuickJS-ng in one static program. Mechanism only, no policy. */
#ifndef KIHON_ENGINE_H
#define KIHON_ENGINE_H

#include <stddef.h>
#include <stdint.h>

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
};

/* The entry for this process, chosen by the base name of argv[0]; the first one is the default. */
const struct entry *entry_select(const char *argv0);

/* Installs the global object `engine`. Returns -1 with a pending exception. */
int natives_install(JSContext *ctx, const struct entry *entry, int argc, char **argv, char **envp);

/* Runs the embedded module of that name. The value of its evaluation (a promise), or an exception. */
JSValue modules_run(JSContext *ctx, const char *name);

/* Goes on as a copy of this process whose executable nobody can write to. Returns when it is one, or cannot become one. */
void protect_executable(char **argv, char **envp);

/* A runtime whose memory comes from heap.c. */
JSRuntime *heap_new_runtime(void);
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
