#include "cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t BYTES[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static struct view all_bytes(void) {
    return (struct view){BYTES, sizeof(BYTES)};
}

static void reads_numbers_in_wire_order(void **state) {
    (void)state;
    struct cursor c = cursor_over(all_bytes());
    assert_int_equal(cursor_u8(&c), 0x01);
    assert_int_equal(cursor_le16(&c), 0x0302);
    assert_int_equal(cursor_le32(&c), 0x07060504);
    assert_int_equal(cursor_le64(&c), 0x0f0e0d0c0b0a0908);
    assert_int_equal(cursor_left(&c), 0);
    assert_true(cursor_ok(&c));
    c = cursor_over(all_bytes());
    assert_int_equal(cursor_be16(&c), 0x0102);
    assert_int_equal(cursor_be24(&c), 0x030405);
    assert_int_equal(cursor_be32(&c), 0x06070809);
    assert_true(cursor_ok(&c));
}

static void fails_for_ever_past_the_end(void **state) {
    (void)state;
    struct cursor c = cursor_over((struct view){BYTES, 3});
    assert_int_equal(cursor_le32(&c), 0);
    assert_false(cursor_ok(&c));
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_take(&c, 0).n, 0);
    assert_int_equal(cursor_at(&c, 0, 1).n, 0);
    assert_false(cursor_ok(&c));
}

static void half_a_long_number_is_none(void **state) {
    (void)state;
    struct cursor c = cursor_over((struct view){BYTES, 6});
    (void)cursor_le64(&c);
    assert_false(cursor_ok(&c));
}

static void survives_lengths_that_wrap(void **state) {
    (void)state;
    struct cursor c = cursor_over(all_bytes());
    (void)cursor_u8(&c);
    assert_int_equal(cursor_take(&c, SIZE_MAX).n, 0);
    assert_false(cursor_ok(&c));
    c = cursor_over(all_bytes());
    assert_int_equal(cursor_at(&c, SIZE_MAX, 2).n, 0);
    assert_false(cursor_ok(&c));
    c = cursor_over(all_bytes());
    assert_int_equal(cursor_at(&c, 2, SIZE_MAX).n, 0);
    assert_false(cursor_ok(&c));
}

static void obeys_offset_and_length_from_the_start(void **state) {
    (void)state;
    struct cursor c = cursor_over(all_bytes());
    cursor_skip(&c, 10);
    struct view v = cursor_at(&c, 2, 3);
    assert_ptr_equal(v.p, BYTES + 2);
    assert_int_equal(v.n, 3);
    assert_int_equal(c.pos, 10);
    assert_int_equal(cursor_at(&c, 12, 3).n, 3);
    assert_true(cursor_ok(&c));
    assert_int_equal(cursor_at(&c, 999, 0).n, 0);
    assert_true(cursor_ok(&c));
    assert_int_equal(cursor_at(&c, 13, 3).n, 0);
    assert_false(cursor_ok(&c));
}

static void takes_and_copies(void **state) {
    (void)state;
    struct cursor c = cursor_over(all_bytes());
    uint8_t to[4] = {9, 9, 9, 9};
    cursor_copy(&c, to, 4);
    assert_memory_equal(to, BYTES, 4);
    struct view v = cursor_rest(&c);
    assert_ptr_equal(v.p, BYTES + 4);
    assert_int_equal(v.n, sizeof(BYTES) - 4);
    cursor_copy(&c, to, 1);
    assert_int_equal(to[0], 0);
    assert_false(cursor_ok(&c));
}

static void is_empty_over_nothing(void **state) {
    (void)state;
    struct cursor c = cursor_over((struct view){NULL, 0});
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_rest(&c).n, 0);
    assert_true(cursor_ok(&c));
    (void)cursor_u8(&c);
    assert_false(cursor_ok(&c));
}

static void clips_parts_of_a_view(void **state) {
    (void)state;
    struct view v = view_part(all_bytes(), 4, 100);
    assert_ptr_equal(v.p, BYTES + 4);
    assert_int_equal(v.n, sizeof(BYTES) - 4);
    assert_int_equal(view_part(all_bytes(), 4, 2).n, 2);
    assert_int_equal(view_part(all_bytes(), 100, 2).n, 0);
    assert_int_equal(view_from(all_bytes(), 14).n, 1);
    assert_null(view_from((struct view){NULL, 0}, 3).p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_in_wire_order),
        cmocka_unit_test(fails_for_ever_past_the_end),
        cmocka_unit_test(half_a_long_number_is_none),
        cmocka_unit_test(survives_lengths_that_wrap),
        cmocka_unit_test(obeys_offset_and_length_from_the_start),
        cmocka_unit_test(takes_and_copies),
        cmocka_unit_test(is_empty_over_nothing),
        cmocka_unit_test(clips_parts_of_a_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
