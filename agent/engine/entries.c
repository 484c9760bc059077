/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the programs in the ELF runs. */
#include <string.h>

#include "engine.h"

static const struct entry entries[] = {
    {.name = "agent", .module = "agent.js", .is_resident = 1},
    {.name = "kihon-init", .module = "init.js"},
    {.name = "kihon-oci", .module = "oci.js", .is_resident = 1, .is_exposed = 1},
    {.name = "kihon-oci-image", .module = "oci.js", .is_image_maker = 1},
};

const struct entry *entry_select(const char *argv0) {
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    const char *base = slash ? slash + 1 : argv0;
    for (size_t i = 1; base && i < sizeof entries / sizeof entries[0]; i++)
        if (strcmp(base, entries[i].name) == 0)
            return &entries[i];
    return &entries[0];
}
