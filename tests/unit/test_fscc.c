/* Information buffers of QUERY_INFO, MS-FSCC 2.4. */
#include <setjmp.h>
#include <stdarg.h>

#include "truncate.h"

#include <cmocka.h>

#include <stdlib.h>

#include "fscc.h"

static void put_basic(struct octets *o) {
    put64(o, 1);
    put64(o, 2);
    put64(o, 3);
    put64(o, 4);
    put32(o, FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_HIDDEN);
    put32(o, 0);
}

static void put_standard(struct octets *o) {
    put64(o, 8192);
    put64(o, 5000);
    put32(o, 1);
    put8(o, 1);
    put8(o, 1);
    put16(o, 0);
}

static void put_name(struct octets *o, const char *name) {
    put32(o, (uint32_t)(2 * strlen(name)));
    put_utf16(o, name);
}

/* The whole is good, and every shorter buffer is short; out is not touched then. */
static struct fscc_file good(uint8_t info_class, const struct octets *o) {
    struct fscc_file f;
    for (size_t n = 0; n < o->n; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, o->b, n);
        memset(&f, 0x5A, sizeof f);
        struct fscc_file before = f;
        assert_int_equal(fscc_file_information(info_class, (struct view){copy, n}, &f), V_SHORT);
        assert_memory_equal(&f, &before, sizeof f);
        free(copy);
    }
    assert_int_equal(fscc_file_information(info_class, octets_view(o), &f), V_OK);
    return f;
}

static void assert_basic(const struct fscc_file *f) {
    assert_true(f->has_times && f->has_attributes);
    assert_int_equal(f->times.creation, 1);
    assert_int_equal(f->times.last_access, 2);
    assert_int_equal(f->times.last_write, 3);
    assert_int_equal(f->times.change, 4);
    assert_int_equal(f->attributes, FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_HIDDEN);
    assert_true(f->has_directory && f->directory);
}

static void basic(void **state) {
    (void)state;
    struct octets o = {0};
    put_basic(&o);
    struct fscc_file f = good(FileBasicInformation, &o);
    assert_basic(&f);
    assert_false(f.has_size || f.has_delete_pending);
    assert_int_equal(f.name.bytes.n, 0);
}

static void standard(void **state) {
    (void)state;
    struct octets o = {0};
    put_standard(&o);
    struct fscc_file f = good(FileStandardInformation, &o);
    assert_true(f.has_size && f.end_of_file == 5000);
    assert_true(f.has_delete_pending && f.delete_pending);
    assert_true(f.has_directory && f.directory);
    assert_false(f.has_times || f.has_attributes);
}

static void all(void **state) {
    (void)state;
    struct octets o = {0};
    put_basic(&o);
    put_standard(&o);
    put_zeros(&o, 32);
    put_name(&o, "\\dir\\file");
    struct fscc_file f = good(FileAllInformation, &o);
    assert_basic(&f);
    assert_int_equal(f.end_of_file, 5000);
    assert_true(text_is(f.name, "\\dir\\file"));
}

static void names(void **state) {
    (void)state;
    static const uint8_t classes[] = {FileNameInformation, FileNormalizedNameInformation};
    for (unsigned i = 0; i < 2; i++) {
        struct octets o = {0};
        put_name(&o, "dir\\file");
        struct fscc_file f = good(classes[i], &o);
        assert_true(text_is(f.name, "dir\\file"));
        assert_false(f.has_times || f.has_attributes || f.has_size || f.has_directory || f.has_delete_pending);
        set_le(&o, 0, 4, 15);
        assert_int_equal(fscc_file_information(classes[i], octets_view(&o), &f), V_BAD);
        set_le(&o, 0, 4, UINT32_MAX);
        assert_int_equal(fscc_file_information(classes[i], octets_view(&o), &f), V_SHORT);
    }
}

static void network_open(void **state) {
    (void)state;
    struct octets o = {0};
    put64(&o, 1);
    put64(&o, 2);
    put64(&o, 3);
    put64(&o, 4);
    put64(&o, 8192);
    put64(&o, 5000);
    put32(&o, FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_HIDDEN);
    put32(&o, 0);
    struct fscc_file f = good(FileNetworkOpenInformation, &o);
    assert_basic(&f);
    assert_true(f.has_size && f.end_of_file == 5000);
}

static void attribute_tag(void **state) {
    (void)state;
    struct octets o = {0};
    put32(&o, FILE_ATTRIBUTE_ARCHIVE);
    put32(&o, 0);
    struct fscc_file f = good(FileAttributeTagInformation, &o);
    assert_true(f.has_attributes && f.attributes == FILE_ATTRIBUTE_ARCHIVE);
    assert_true(f.has_directory && !f.directory);
}

static void other_classes_are_not_mine(void **state) {
    (void)state;
    struct fscc_file f;
    struct octets o = {0};
    put_zeros(&o, 200);
    assert_int_equal(fscc_file_information(FileInternalInformation, octets_view(&o), &f), V_NOT_MINE);
    assert_int_equal(fscc_file_information(255, octets_view(&o), &f), V_NOT_MINE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic),
        cmocka_unit_test(standard),
        cmocka_unit_test(all),
        cmocka_unit_test(names),
        cmocka_unit_test(network_open),
        cmocka_unit_test(attribute_tag),
        cmocka_unit_test(other_classes_are_not_mine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
