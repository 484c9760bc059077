/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuickJS reports a rejection at once, even when a handler follows in the same turn. An entry is judged only after the
 * job queue has drained twice with nobody handling it.
 */
#include <stdlib.h>

#include "engine.h"

struct rejection {
    JSValue promise, reason;
    int turns;
};

static struct rejection *list;
static size_t count, capacity;

static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque) {
    (void)opaque;
    if (is_handled) {
        for (size_t i = 0; i < count; i++) {
            if (JS_VALUE_GET_PTR(list[i].promise) != JS_VALUE_GET_PTR(promise))
                continue;
            JS_FreeValue(ctx, list[i].promise);
            JS_FreeValue(ctx, list[i].reason);
            list[i] = list[--count];
            return;
        }
        return;
    }
    if (count == capacity) {
        size_t wanted = capacity ? capacity * 2 : 16;
        struct rejection *grown = realloc(list, wanted * sizeof *list);
        if (!grown)
            fatal_message("kihon: fatal: out of memory while recording a rejected promise\n");
        list = grown;
        capacity = wanted;
    }
    list[count++] = (struct rejection){JS_DupValue(ctx, promise), JS_DupValue(ctx, reason), 0};
}

void rejections_track(JSRuntime *rt) {
    JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
}

int rejections_pending(void) {
    return count > 0;
}

int rejections_expired(JSContext *ctx, JSValue *reason) {
    for (size_t i = 0; i < count; i++) {
        if (list[i].turns++ == 0)
            continue;
        *reason = JS_DupValue(ctx, list[i].reason);
        return 1;
    }
    return 0;
}
