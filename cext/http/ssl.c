/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks the import tables of libcurl as the dynamic linker does and looks up which library provides
 * each function. Calls none of these functions. */
#include "http/ssl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __ELF_NATIVE_CLASS == 64
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif

struct imports {
    void *libcurl;
    const char *strings;
    const ElfW(Sym) * symbols;
    unsigned own, foreign;
    const void *foreign_base;
    char foreign_name[128];
    bool several;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool is_openssl(const Dl_info *object)
{
    const char *name = base_name(object->dli_fname);
    return strncmp(name, "libssl.", 7) == 0 || strncmp(name, "libcrypto.", 10) == 0;
}

/* Counts an import if the symbol is a function of OpenSSL. */
static void check_import(struct imports *all, const char *name)
{
    Dl_info ours, bound;
    const void *own = dlsym(all->libcurl, name);
    const void *actual = dlsym(RTLD_DEFAULT, name);

    if (own == NULL || dladdr(own, &ours) == 0 || !is_openssl(&ours))
        return;
    if (actual == NULL || dladdr(actual, &bound) == 0 || is_openssl(&bound)) {
        all->own++;
        return;
    }
    all->several |= all->foreign > 0 && all->foreign_base != bound.dli_fbase;
    all->foreign++;
    all->foreign_base = bound.dli_fbase;
    strncpy(all->foreign_name, base_name(bound.dli_fname), sizeof all->foreign_name - 1);
}

static void check_table(struct imports *all, const char *table, size_t bytes, size_t entry)
{
    for (size_t at = 0; at + entry <= bytes; at += entry) {
        ElfW(Rel) relocation; /* a Rela begins with the same fields */
        memcpy(&relocation, table + at, sizeof relocation);
        const ElfW(Sym) *symbol = &all->symbols[SYMBOL_OF(relocation.r_info)];
        if (SYMBOL_OF(relocation.r_info) != 0 && symbol->st_shndx == SHN_UNDEF)
            check_import(all, all->strings + symbol->st_name);
    }
}

/* glibc relocates the addresses in a dynamic section when it loads the file; other C libraries,
 * such as musl, do not. */
static const char *address(const struct link_map *map, ElfW(Addr) value)
{
    return (const char *)(value < map->l_addr ? value + map->l_addr : value);
}

static void check_imports(struct imports *all, const struct link_map *map)
{
    const char *calls = NULL, *data = NULL;
    size_t calls_bytes = 0, data_bytes = 0, entry = sizeof(ElfW(Rela));

    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_STRTAB:
            all->strings = address(map, d->d_un.d_ptr);
            break;
        case DT_SYMTAB:
            all->symbols = (const void *)address(map, d->d_un.d_ptr);
            break;
        case DT_JMPREL:
            calls = address(map, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            calls_bytes = d->d_un.d_val;
            break;
        case DT_PLTREL:
            entry = d->d_un.d_val == DT_REL ? sizeof(ElfW(Rel)) : sizeof(ElfW(Rela));
            break;
        case DT_RELA:
        case DT_REL:
            data = address(map, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
        case DT_RELSZ:
            data_bytes = d->d_un.d_val;
            break;
        default:
            break;
        }
    }
    if (all->strings == NULL || all->symbols == NULL)
        return;
    check_table(all, calls, calls != NULL ? calls_bytes : 0, entry);
    check_table(all, data, data != NULL ? data_bytes : 0, entry);
}

int httpssl_check(struct err *err)
{
    struct imports all = { 0 };
    struct link_map *map = NULL;
    CURL *(*function)(void) = curl_easy_init;
    void *place;
    Dl_info object;

    memcpy(&place, &function, sizeof place);
    if (dladdr(place, &object) == 0)
        return 0;
    all.libcurl = dlopen(object.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (all.libcurl == NULL)
        return 0; /* linked statically, so the linker has bound the calls */
    if (dlinfo(all.libcurl, RTLD_DI_LINKMAP, &map) == 0)
        check_imports(&all, map);
    dlclose(all.libcurl);
    if (all.foreign > 0 && (all.own > 0 || all.several))
        return err_set(err, ERR_SYSTEM,
                       "%s has an OpenSSL of its own, which would serve %u of libcurl's %u calls",
                       all.foreign_name, all.foreign, all.foreign + all.own);
    return 0;
}

bool httpssl_find(const struct httpssl_function *functions, size_t count, void *out)
{
    const void *base = NULL;

    for (size_t i = 0; i < count; i++) {
        void *place = dlsym(RTLD_DEFAULT, functions[i].name);
        Dl_info object;
        if (place == NULL || dladdr(place, &object) == 0 ||
            (base != NULL && base != object.dli_fbase))
            return false;
        base = object.dli_fbase;
        memcpy((char *)out + functions[i].at, &place, sizeof place);
    }
    return true;
}
