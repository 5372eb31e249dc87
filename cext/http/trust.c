/* SPDX-License-Identifier: BSD-2-Clause */
/* An OpenSSL certificate store, made as libcurl makes its own, replaces libcurl's store, which is
 * left empty. OpenSSL locks a store, so connections may share it. */
#include "http/trust.h"
#include "http/ssl.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS = 0x8000 | 0x80000 }; /* X509_V_FLAG_TRUSTED_FIRST and _PARTIAL_CHAIN, as libcurl */

struct openssl {
    int (*set_flags)(void *, unsigned long);
    void *(*store_new)(void);
    void (*store_free)(void *);
    int (*up_ref)(void *);
    int (*load)(void *, const char *, const char *);
    void (*set_store)(void *, void *);
};

static const struct httpssl_function crypto_functions[] = {
    { "X509_STORE_set_flags", offsetof(struct openssl, set_flags) }, /* libcurl calls it */
    { "X509_STORE_new", offsetof(struct openssl, store_new) },
    { "X509_STORE_free", offsetof(struct openssl, store_free) },
    { "X509_STORE_up_ref", offsetof(struct openssl, up_ref) },
    { "X509_STORE_load_locations", offsetof(struct openssl, load) },
};

static const struct httpssl_function ssl_functions[] = {
    { "SSL_CTX_set_cert_store", offsetof(struct openssl, set_store) },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct httptrust {
    pthread_mutex_t lock;
    /* under the lock until `tried` is set, then constant: */
    bool tried;
    char *file, *dir;
    struct openssl o;
    void *store; /* NULL: none */
};

struct httptrust *httptrust_new(void)
{
    struct httptrust *t = calloc(1, sizeof *t);

    if (t != NULL)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

void httptrust_free(struct httptrust *t)
{
    if (t == NULL)
        return;
    if (t->store != NULL)
        t->o.store_free(t->store);
    free(t->file);
    free(t->dir);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static bool keep(char **copy, const char *text)
{
    *copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *copy != NULL;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void load(struct httptrust *t, const char *file, const char *dir)
{
    const struct openssl *o = &t->o;

    if (!keep(&t->file, file) || !keep(&t->dir, dir) || (file == NULL && dir == NULL) ||
        !httpssl_find(crypto_functions, COUNT(crypto_functions), &t->o) ||
        !httpssl_find(ssl_functions, COUNT(ssl_functions), &t->o))
        return;
    void *store = o->store_new();
    if (store != NULL && o->load(store, file, dir) == 1 && o->set_flags(store, FLAGS) == 1)
        t->store = store;
    else
        o->store_free(store);
}

static CURLcode put_store(CURL *easy, void *context, void *trust)
{
    struct httptrust *t = trust;

    (void)easy;
    if (t->o.up_ref(t->store) != 1)
        return CURLE_OUT_OF_MEMORY;
    t->o.set_store(context, t->store);
    return CURLE_OK;
}

static bool is_openssl(const curl_version_info_data *info)
{
    return info->ssl_version != NULL && strncmp(info->ssl_version, "OpenSSL/", 8) == 0;
}

bool httptrust_use(struct httptrust *t, CURL *easy, const char *file, const char *dir)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (t == NULL || info->age < CURLVERSION_SEVENTH || !is_openssl(info))
        return false;
    file = file != NULL ? file : info->cainfo;
    dir = dir != NULL ? dir : info->capath;
    pthread_mutex_lock(&t->lock);
    if (!t->tried)
        load(t, file, dir);
    t->tried = true;
    bool usable = t->store != NULL && same(t->file, file) && same(t->dir, dir);
    pthread_mutex_unlock(&t->lock);
    if (!usable || curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, put_store) != CURLE_OK)
        return false;
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return true;
}
