/* SPDX-License-Identifier: BSD-2-Clause */
/* A Lua interpreter that carries an OpenSSL of its own and exports it, as a Nmap does that links it
 * statically; with -DPART only one function of it, which does nothing. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#ifdef PART
__attribute__((visibility("default"))) void *SSL_new(void *context);

void *SSL_new(void *context)
{
    return context;
}
#else
#include <openssl/ssl.h>

/* What a program with TLS of its own calls. */
static int use_openssl(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(context);
    int rc = SSL_connect(ssl);

    SSL_free(ssl);
    SSL_CTX_free(context);
    return rc;
}
#endif

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
#ifndef PART
    printf("own OpenSSL: %d\n", use_openssl());
#endif
    if (argc < 2 || luaL_dofile(L, argv[1]) != 0)
        printf("error: %s\n", lua_tostring(L, -1));
    lua_close(L);
    return 0;
}
