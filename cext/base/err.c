/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
    [ERR_NONE] = "NONE",         [ERR_PERMISSION] = "PERMISSION", [ERR_NOROUTE] = "NOROUTE",
    [ERR_NODEVICE] = "NODEVICE", [ERR_TOOBIG] = "TOOBIG",         [ERR_BADADDRESS] = "BADADDRESS",
    [ERR_BADSIZE] = "BADSIZE",   [ERR_NOMEM] = "NOMEM",           [ERR_SYSTEM] = "SYSTEM",
};
_Static_assert(sizeof names / sizeof *names == ERR_CODE_COUNT, "a name for each code");

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->code = code;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return -1;
}

const char *err_name(enum err_code code)
{
    return names[code];
}
