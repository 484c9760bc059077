/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs are ES modules, each compiled to bytecode and linked into the ELF under its name (embed.S). What several programs share
 * is there once, and what an `import()` names is read when it is reached, not before.
 */
#include <string.h>

#include "engine.h"

struct module {
    const char *name;
    const uint8_t *start, *end;
};

/* Ends with an entry without a name. */
extern const struct module modules[];

static const struct module *find(const char *name) {
    for (const struct module *module = modules; module->name; module++)
        if (strcmp(module->name, name) == 0)
            return module;
    return NULL;
}

static JSValue read_module(JSContext *ctx, const struct module *module) {
    int mode = heap_loading(1);
    JSValue value = JS_ReadObject(ctx, module->start, (size_t)(module->end - module->start), JS_READ_OBJ_BYTECODE);
    heap_loading(mode);
    return value;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    const struct module *module = find(name);
    if (!module) {
        JS_ThrowReferenceError(ctx, "no module %s in this program", name);
        return NULL;
    }
    JSValue value = read_module(ctx, module);
    if (JS_IsException(value))
        return NULL;
    JSModuleDef *definition = JS_VALUE_GET_PTR(value);
    /* The context keeps it; this was one more reference. */
    JS_FreeValue(ctx, value);
    return definition;
}

JSValue modules_run(JSContext *ctx, const char *name) {
    JS_SetModuleLoaderFunc(JS_GetRuntime(ctx), NULL, load, NULL);
    const struct module *module = find(name);
    if (!module)
        return JS_ThrowReferenceError(ctx, "no module %s in this program", name);
    JSValue value = read_module(ctx, module);
    if (JS_IsException(value))
        return value;
    if (JS_ResolveModule(ctx, value) < 0) {
        JS_FreeValue(ctx, value);
        return JS_EXCEPTION;
    }
    JSValue promise = JS_EvalFunction(ctx, value);
    /* A module that throws rejects its promise; nobody else will ever look at it. */
    if (!JS_IsException(promise) && JS_PromiseState(ctx, promise) == JS_PROMISE_REJECTED) {
        JSValue reason = JS_PromiseResult(ctx, promise);
        JS_FreeValue(ctx, promise);
        return JS_Throw(ctx, reason);
    }
    return promise;
}
