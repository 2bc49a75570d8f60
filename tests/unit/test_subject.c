/* subject: which subjects name the same thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/subject.h"

#include <stdio.h>
#include <string.h>

#define ID     "DBEC8B07E3F04F4CA5F5A1B2C3D4E5F6"
#define HYPHEN "dbec8b07-e3f0-4f4c-a5f5-a1b2c3d4e5f6"

static void assert_named(const char *subject, const char *name)
{
    char out[SUBJECT_NAME_MAX];
    char again[SUBJECT_NAME_MAX];
    struct view v = subject_name(view_of(subject), out);

    if (!view_is(v, name))
        fail_msg("'%s' is named '%.*s', not '%s'", subject, VIEW_ARG(v), name);
    assert_true(view_eq(subject_name(v, again), v));
}

static void one_thing_has_one_name(void **state)
{
    static const char *const rows[][2] = {
        {"contacts/" ID, "contacts/" ID},
        {"contacts/" HYPHEN, "contacts/" ID},
        {"contacts/dbec8b07e3f04f4ca5f5A1B2C3D4E5F6", "contacts/" ID},
        {"callbacks/" HYPHEN, "callbacks/" ID},
        {"customerConsents/whatsapp_+358 50 1234567", "customerConsents/whatsapp_358501234567"},
        {"customerConsents/whatsapp_00358(50)123-4567", "customerConsents/whatsapp_358501234567"},
        {"customerConsents/recording_358501234567", "customerConsents/recording_358501234567"},
        {"customerConsents/whatsapp_ Support_1@Test.com",
         "customerConsents/whatsapp_support_1@test.com"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_named(rows[i][0], rows[i][1]);
}

static void what_has_no_other_spelling_is_its_own_name(void **state)
{
    static const char *const rows[] = {
        "",
        "/",
        "callbacks",
        "callbacks/",
        "callbacks/Order 7",
        "callbacks/order 7",
        "callbacks/+358 50 1234567", /* a reference is no address */
        "callbacks/" ID "0",
        "callbacks/a/" ID,
        ID,
        "customerConsents/whatsapp",
        "customerConsents/whatsapp_",
        "customerConsents/whatsapp_ - ", /* nothing to match by */
        "customerConsents/" ID,
        "x-of-a-collection-that-is-long-beyond-all/" ID,
        "customerConsents/x-of-a-usage-that-is-long_+1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_named(rows[i], rows[i]);
}

static void an_address_without_a_normal_form_is_its_own(void **state)
{
    char subject[PHONE_NORMAL_MAX + 64];
    size_t n = (size_t)snprintf(subject, sizeof subject, "customerConsents/whatsapp_+");

    (void)state;
    memset(subject + n, '7', PHONE_NORMAL_MAX + 1);
    subject[n + PHONE_NORMAL_MAX + 1] = '\0';
    assert_named(subject, subject);
    subject[n + PHONE_NORMAL_MAX] = '\0'; /* the longest that has one */
    memmove(subject + n - 1, subject + n, PHONE_NORMAL_MAX + 1);
    assert_named(subject, subject);
}

static void a_reference_is_of_what_is_created(void **state)
{
    static const struct {
        const char *subject;
        bool may;
    } rows[] = {
        {"callbacks/gg", true},      {"callbacks/" ID, true}, /* a producer may name it like that */
        {"messages/1", true},        {"chats/1", true},
        {"contacts/" ID, false},     {"customerConsents/whatsapp_+1", false},
        {"callbacks", false},        {"callbacks/", false},
        {"callRecordings/1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (subject_may_be_reference(view_of(rows[i].subject)) != rows[i].may)
            fail_msg("%s", rows[i].subject);
}

static void a_write_tells_what_it_went_to(void **state)
{
    static const struct {
        const char *type;
        const char *path;
        const char *created;
        const char *name; /* NULL: it does not */
    } rows[] = {
        {"callback.requested", "/callbacks", ID, "callbacks/" ID},
        {"callback.requested", "/callbacks", HYPHEN, "callbacks/" ID},
        {"callback.requested", "/callbacks", NULL, NULL},
        {"callback.requested", "/callbacks", "7", NULL},
        {"callback.updated", "/callbacks/" HYPHEN, NULL, "callbacks/" ID},
        {"callback.updated", "/callbacks/" ID "/x", NULL, NULL},
        {"callback.updated", "/messages/" ID, NULL, NULL},
        {"callback.updated", "/callbacks/", NULL, NULL},
        {"callback.updated", NULL, NULL, NULL},
        {"message.cancelled", "/messages/" ID, NULL, "messages/" ID},
        {"contact.remarks.updated", "/contacts/" ID "/remarks", NULL, "contacts/" ID},
        {"contact.remarks.updated", "/contacts/" ID, NULL, NULL},
        {"contact.remarks.updated", "/remarks", NULL, NULL},
        /* the id that it created is the listen log's */
        {"callrecording.listened", "/callRecordings/" ID "/listenLog",
         "00000000000000000000000000000001", "callRecordings/" ID},
        {"customerconsent.deleted", "/customerConsents/whatsapp_1", NULL, NULL},
        {"contact.received", NULL, ID, NULL},
    };
    char out[SUBJECT_NAME_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct event_type *t = event_type_find(view_of(rows[i].type), VIEW(""));
        struct view name =
            subject_name_of_write(t, view_of(rows[i].path), view_of(rows[i].created), out);

        if (!view_eq(name, view_of(rows[i].name)))
            fail_msg("row %zu: '%.*s'", i, VIEW_ARG(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thing_has_one_name),
        cmocka_unit_test(what_has_no_other_spelling_is_its_own_name),
        cmocka_unit_test(an_address_without_a_normal_form_is_its_own),
        cmocka_unit_test(a_reference_is_of_what_is_created),
        cmocka_unit_test(a_write_tells_what_it_went_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
