#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/service_name.h"
#include "event_text.h"

static struct flow_facts flow = {.server = {{{192, 0, 2, 10}, 4}, 445}};
static struct connection_facts connection = {.flow = &flow};
static struct security_facts security;
static struct auth_facts auth;
static struct operation op;

static int set_up(void **state) {
    (void)state;
    security = (struct security_facts){.authenticated = true, .responses = NTLM_RESPONSE_NTLMV2, .pairs_whole = true};
    auth = (struct auth_facts){.kind = AUTH_NTLMV2};
    op = (struct operation){.connection = &connection, .security = &security, .auth = &auth};
    return 0;
}

static enum service_name judged(const char *spn) {
    security.names[SECURITY_SPN] = (struct text){{(const uint8_t *)spn, strlen(spn)}, ENC_UTF8};
    return service_name_judge(&op);
}

static void names(void **state) {
    (void)state;
    assert_int_equal(judged("cifs/anything"), SERVICE_NAME_GOOD); /* the server did not say who it is */
    assert_int_equal(judged("http/anything"), SERVICE_NAME_FOREIGN);
    security.names[SECURITY_SERVER_NETBIOS_NAME] = utf16("FS01");
    security.names[SECURITY_SERVER_DNS_NAME] = utf16("files.example.test");
    static const char *const good[] = {"cifs/FS01",     "CIFS/fs01",         "host/files.example.test", "cifs/files",
                                       "cifs/FS01:445", "cifs/FS01/EXAMPLE", "cifs/192.0.2.10"};
    static const char *const foreign[] = {
        "cifs/FS02", "cifs/", "cifs", "cifs/192.0.2.11", "FS01", "cifs/files.other.test", "/FS01"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(judged(good[i]), SERVICE_NAME_GOOD);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        assert_int_equal(judged(foreign[i]), SERVICE_NAME_FOREIGN);
    }
    char long_name[600] = "cifs/";
    memset(long_name + 5, 'a', sizeof long_name - 6);
    assert_int_equal(judged(long_name), SERVICE_NAME_FOREIGN);
}

static void none(void **state) {
    (void)state;
    assert_int_equal(judged(""), SERVICE_NAME_MISSING);
    security.empty_spn = true;
    assert_int_equal(judged(""), SERVICE_NAME_EMPTY);
    security.pairs_whole = false; /* it may be in what was not seen */
    assert_int_equal(judged(""), SERVICE_NAME_UNKNOWN);
    security.responses = NTLM_RESPONSE_NTLM;
    assert_int_equal(judged(""), SERVICE_NAME_MISSING);
    security.responses = 0;
    assert_int_equal(judged(""), SERVICE_NAME_UNKNOWN);
    security.authenticated = false;
    assert_int_equal(judged(""), SERVICE_NAME_UNKNOWN);
}

static void nobody(void **state) {
    (void)state;
    security.responses = NTLM_RESPONSE_NTLM;
    auth.kind = AUTH_ANONYMOUS;
    assert_int_equal(judged(""), SERVICE_NAME_UNKNOWN);
    auth.kind = AUTH_NTLMV1;
    op.leg = true;
    assert_int_equal(judged(""), SERVICE_NAME_UNKNOWN);
    op.security = NULL;
    op.leg = false;
    assert_int_equal(service_name_judge(&op), SERVICE_NAME_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names, set_up),
        cmocka_unit_test_setup(none, set_up),
        cmocka_unit_test_setup(nobody, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
