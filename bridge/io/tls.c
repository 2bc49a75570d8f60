#include "bridge/io/tls.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define SUBJECT_RAW_MAX (4 * DN_MAX) /* bytes of a subject, its values in hex */

/* What was read from the files. */
struct material {
    char *certificate;
    char *key;
    char *client_ca;
    gnutls_x509_trust_list_t trust; /* NULL where there is no client_ca */
};

struct tls {
    char *files[3]; /* certificate, key, client_ca */
    struct material now;
    char *first_ca;
    unsigned generation; /* of `now` */
    unsigned named;      /* the generation whose authorities handshakes name */
};

/* GnuTLS gives its callback no pointer of ours; one process has one server with TLS. */
static const struct tls *(*owner_of)(void *session_pointer);

static char *copy_of(const char *text)
{
    return text != NULL ? mem_text(text, strlen(text)) : NULL;
}

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* ---- files ---- */

/* NULL with a fault. */
static char *read_file(const char *file, struct fault *f)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    char piece[4096];
    char *text = NULL;
    struct buf all;
    ssize_t n = 0;

    if (fd < 0) {
        fault_set(f, FAULT_REJECT, "%s can't be opened: %s", file, strerror(errno));
        return NULL;
    }
    buf_init(&all, TLS_FILE_MAX);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        if (!buf_put(&all, (struct view){piece, (size_t)n}))
            break;
    if (n < 0)
        fault_set(f, FAULT_REJECT, "%s can't be read: %s", file, strerror(errno));
    else if (all.full || view_has(buf_view(&all), '\0'))
        fault_set(f, FAULT_REJECT, "%s is no PEM of at most %d bytes", file, TLS_FILE_MAX);
    else
        text = mem_text(all.p, all.n);
    close(fd);
    buf_done(&all);
    return text;
}

static void material_done(struct material *m)
{
    mem_free(m->certificate);
    mem_free(m->key);
    mem_free(m->client_ca);
    if (m->trust != NULL)
        gnutls_x509_trust_list_deinit(m->trust, 1);
    *m = (struct material){NULL, NULL, NULL, NULL};
}

/* ---- certificate and key, for one handshake ---- */

struct shown {
    gnutls_pcert_st *chain; /* of gnutls_malloc, as GnuTLS frees it */
    unsigned count;
    gnutls_privkey_t key;
};

static void shown_done(struct shown *s)
{
    for (unsigned i = 0; i < s->count; i++)
        gnutls_pcert_deinit(&s->chain[i]);
    gnutls_free(s->chain);
    if (s->key != NULL)
        gnutls_privkey_deinit(s->key);
}

/* 0, or GnuTLS' error. */
static int shown_of(const struct material *m, struct shown *s)
{
    gnutls_datum_t certificate = datum(m->certificate);
    gnutls_datum_t key = datum(m->key);
    int error = 0;

    *s = (struct shown){gnutls_calloc(TLS_CHAIN_MAX, sizeof *s->chain), TLS_CHAIN_MAX, NULL};
    error = s->chain == NULL ? GNUTLS_E_MEMORY_ERROR
                             : gnutls_pcert_list_import_x509_raw(s->chain, &s->count, &certificate,
                                                                 GNUTLS_X509_FMT_PEM, 0);
    if (error < 0)
        s->count = 0;
    if (error >= 0)
        error = gnutls_privkey_init(&s->key);
    if (error >= 0)
        error = gnutls_privkey_import_x509_raw(s->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (error < 0)
        shown_done(s);
    return error < 0 ? error : 0;
}

static bool belong_together(const struct shown *s)
{
    unsigned char ids[2][64];
    size_t sizes[2] = {sizeof ids[0], sizeof ids[1]};
    gnutls_pubkey_t public = NULL;
    bool ok = gnutls_pubkey_init(&public) == 0 &&
              gnutls_pubkey_import_privkey(public, s->key, 0, 0) == 0 &&
              gnutls_pubkey_get_key_id(public, 0, ids[0], &sizes[0]) == 0 &&
              gnutls_pubkey_get_key_id(s->chain[0].pubkey, 0, ids[1], &sizes[1]) == 0;

    if (public != NULL)
        gnutls_pubkey_deinit(public);
    return ok && sizes[0] == sizes[1] && memcmp(ids[0], ids[1], sizes[0]) == 0;
}

static bool read_pair(struct material *m, const char *const files[2], struct fault *f)
{
    struct shown shown;
    int error = 0;

    if ((m->certificate = read_file(files[0], f)) == NULL ||
        (m->key = read_file(files[1], f)) == NULL)
        return false;
    if ((error = shown_of(m, &shown)) != 0)
        return fault_set(f, FAULT_REJECT, "%s and %s are no certificate and key in PEM: %s",
                         files[0], files[1], gnutls_strerror(error));
    if (!belong_together(&shown))
        error = 1;
    shown_done(&shown);
    if (error != 0)
        return fault_set(f, FAULT_REJECT, "%s is not the key of the certificate in %s", files[1],
                         files[0]);
    return true;
}

static bool read_authorities(struct material *m, const char *file, struct fault *f)
{
    gnutls_datum_t ca;

    if ((m->client_ca = read_file(file, f)) == NULL)
        return false;
    ca = datum(m->client_ca);
    if (gnutls_x509_trust_list_init(&m->trust, 0) != 0 ||
        gnutls_x509_trust_list_add_trust_mem(m->trust, &ca, NULL, GNUTLS_X509_FMT_PEM, 0, 0) <= 0)
        return fault_set(f, FAULT_REJECT, "%s holds no certificate of an authority", file);
    return true;
}

/* Both of the first two, or none; the third may be NULL. */
static bool material_read(struct material *m, const char *const files[3], struct fault *f)
{
    *m = (struct material){NULL, NULL, NULL, NULL};
    return (files[0] == NULL || read_pair(m, files, f)) &&
           (files[2] == NULL || read_authorities(m, files[2], f));
}

bool tls_check(const char *certificate, const char *key, const char *ca, struct fault *f)
{
    struct material m;
    bool ok = material_read(&m, (const char *const[]){certificate, key, ca}, f);

    material_done(&m);
    return ok;
}

/* ---- ---- */

static bool read_again(struct material *m, const struct tls *t, struct fault *f)
{
    return material_read(m, (const char *const[]){t->files[0], t->files[1], t->files[2]}, f);
}

struct tls *tls_new(const struct tls_conf *conf, struct fault *f)
{
    struct tls *t = mem_zeroed(1, sizeof *t);

    t->files[0] = copy_of(conf->certificate);
    t->files[1] = copy_of(conf->key);
    t->files[2] = copy_of(conf->client_ca);
    if (!read_again(&t->now, t, f)) {
        tls_free(t);
        return NULL;
    }
    t->first_ca = copy_of(t->now.client_ca);
    return t;
}

bool tls_reload(struct tls *t, struct fault *f)
{
    struct material fresh;

    if (!read_again(&fresh, t, f)) {
        material_done(&fresh);
        return false;
    }
    material_done(&t->now);
    t->now = fresh;
    t->generation++;
    return true;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < 3; i++)
        mem_free(t->files[i]);
    material_done(&t->now);
    mem_free(t->first_ca);
    mem_free(t);
}

const char *tls_client_ca(const struct tls *t)
{
    return t->first_ca;
}

unsigned tls_generation(const struct tls *t)
{
    return t->generation;
}

/* ---- a session ---- */

/* All sessions have the credentials that the library made at its start; only their list of names
 * counts, since tls_peer is who verifies. Where it can't be changed, the next session tries. */
void tls_name_authorities(struct tls *t, void *session)
{
    void *all = NULL;
    gnutls_x509_trust_list_t names = NULL;
    gnutls_datum_t ca;

    if (t->named == t->generation || t->now.client_ca == NULL ||
        gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &all) != 0 ||
        gnutls_x509_trust_list_init(&names, 0) != 0)
        return;
    ca = datum(t->now.client_ca);
    if (gnutls_x509_trust_list_add_trust_mem(names, &ca, NULL, GNUTLS_X509_FMT_PEM,
                                             GNUTLS_TL_USE_IN_TLS, 0) <= 0) {
        gnutls_x509_trust_list_deinit(names, 1);
        return;
    }
    gnutls_certificate_set_trust_list(all, names, 0); /* which frees the one before */
    t->named = t->generation;
}

static int retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                    gnutls_pcert_st **chain, unsigned *count, gnutls_ocsp_data_st **ocsp,
                    unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    const struct tls *t = owner_of(gnutls_session_get_ptr(session));
    struct shown shown;

    (void)info;
    if (t == NULL || shown_of(&t->now, &shown) != 0)
        return -1;
    *chain = shown.chain;
    *count = shown.count;
    *key = shown.key;
    *ocsp = NULL;
    *ocsp_count = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return 0;
}

tls_function *tls_retrieve(const struct tls *(*of)(void *session_pointer))
{
    owner_of = of;
    return (tls_function *)retrieve;
}

bool tls_is_established(void *session)
{
    char *desc = gnutls_session_get_desc(session); /* NULL during the first handshake */
    bool is = desc != NULL;

    gnutls_free(desc);
    return is;
}

bool tls_is_writing(void *session)
{
    return gnutls_record_get_direction(session) == 1;
}

void tls_last_word(void *session, struct view bytes)
{
    ssize_t n = 1;

    while (bytes.n > 0 && (n = gnutls_record_send(session, bytes.p, bytes.n)) > 0)
        bytes = view_skip(bytes, (size_t)n);
    if (n > 0)
        (void)gnutls_bye(session, GNUTLS_SHUT_WR); /* fails: there is nobody to tell */
}

static bool vouched_for(const struct tls *t, gnutls_x509_crt_t *chain, unsigned count)
{
    gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                    .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned wrong = 1;

    return gnutls_x509_trust_list_verify_crt2(t->now.trust, chain, count, &wanted, 1, 0, &wrong,
                                              NULL) == 0 &&
           wrong == 0;
}

static bool attribute(gnutls_x509_dn_t name, int part, int i, gnutls_x509_ava_st *a)
{
    return gnutls_x509_dn_get_rdn_ava(name, part, i, a) == 0;
}

/* The last part first, as RFC 4514 has them. */
static bool put_subject(gnutls_x509_crt_t certificate, struct buf *to)
{
    gnutls_x509_dn_t name;
    gnutls_x509_ava_st a;
    int parts = 0;

    if (gnutls_x509_crt_get_subject(certificate, &name) != 0)
        return false;
    while (attribute(name, parts, 0, &a))
        parts++;
    for (int part = parts; part-- > 0;) {
        for (int i = 0; attribute(name, part, i, &a); i++) {
            const char *type = (const char *)a.oid.data;

            if (i > 0)
                buf_put_char(to, '+');
            dn_put((struct view){type, strnlen(type, a.oid.size)}, (unsigned char)a.value_tag,
                   (struct view){(const char *)a.value.data, a.value.size}, to);
        }
        if (part > 0)
            buf_put_char(to, ',');
    }
    return !to->full;
}

static bool subject_of(gnutls_x509_crt_t certificate, char out[TLS_SUBJECT_MAX])
{
    struct buf raw;
    struct buf name;
    struct fault f;
    bool ok;

    buf_init(&raw, SUBJECT_RAW_MAX);
    buf_init(&name, DN_MAX);
    ok = put_subject(certificate, &raw) && dn_read(buf_view(&raw), &name, &f) && !name.full;
    if (ok)
        view_copy(buf_view(&name), out, TLS_SUBJECT_MAX);
    buf_done(&raw);
    buf_done(&name);
    return ok;
}

bool tls_peer(const struct tls *t, void *session, char out[TLS_SUBJECT_MAX])
{
    unsigned count = 0;
    unsigned read = 0;
    const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t chain[TLS_CHAIN_MAX];
    bool ok = t->now.trust != NULL && der != NULL && count > 0 && count <= TLS_CHAIN_MAX;

    for (; ok && read < count; read++) {
        if (gnutls_x509_crt_init(&chain[read]) != 0)
            break;
        ok = gnutls_x509_crt_import(chain[read], &der[read], GNUTLS_X509_FMT_DER) == 0;
    }
    ok = ok && read == count && vouched_for(t, chain, count) && subject_of(chain[0], out);
    for (unsigned i = 0; i < read; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return ok;
}
