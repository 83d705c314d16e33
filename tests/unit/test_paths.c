/* Names as records have them: share, file_path, local_path, stream, extension, pipe_name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/event/maker.h"
#include "event_text.h"

static struct event_maker maker;

static void named(const char *path, uint8_t type, const char *name, bool directory) {
    struct tree_facts tree = {.share_type = type, .path = utf16(path)};
    maker.event.count = 0;
    maker.text_count = 0;
    maker_share(&maker, &tree);
    maker_file(&maker, &tree, utf16(name), directory);
}

static const char *value(enum field field) {
    return event_value(&maker.event, field);
}

static void share(void **state) {
    (void)state;
    named("\\\\srv.corp.example\\Data Files", SMB2_SHARE_TYPE_DISK, "dir\\a.TXT", false);
    assert_string_equal(value(FIELD_SHARE), "Data Files");
    assert_string_equal(value(FIELD_SHARE_PATH), "\\\\srv.corp.example\\Data Files");
    assert_string_equal(value(FIELD_SHARE_TYPE), "disk");
    assert_string_equal(value(FIELD_FILE_NAME), "dir\\a.TXT");
    assert_string_equal(value(FIELD_FILE_PATH), "\\\\srv.corp.example\\Data Files\\dir\\a.TXT");
    assert_string_equal(value(FIELD_EXTENSION), "txt");
    assert_string_equal(value(FIELD_LOCAL_PATH), "");
    assert_string_equal(value(FIELD_STREAM), "");
    assert_string_equal(value(FIELD_PIPE_NAME), "");
}

/* In a DFS operation the name has the host and share in front, and the path has them once (MS-SMB2 2.2.13). */
static void dfs(void **state) {
    (void)state;
    static const struct {
        bool dfs;
        const char *name, *path;
    } cases[] = {
        {true, "srv\\DATA\\a\\b", "\\\\srv\\DATA\\a\\b"},
        {true, "srv\\data", "\\\\srv\\data"},
        {true, "srv\\database\\a", "\\\\Srv\\data\\srv\\database\\a"}, /* another share's name: as if it were none */
        {true, "a", "\\\\Srv\\data\\a"},
        {false, "srv\\DATA\\a\\b", "\\\\Srv\\data\\srv\\DATA\\a\\b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        maker.dfs = cases[i].dfs;
        named("\\\\Srv\\data", SMB2_SHARE_TYPE_DISK, cases[i].name, false);
        assert_string_equal(value(FIELD_FILE_NAME), cases[i].name);
        assert_string_equal(value(FIELD_FILE_PATH), cases[i].path);
    }
    maker.dfs = false;
}

static void root(void **state) {
    (void)state;
    named("\\\\srv\\data", SMB2_SHARE_TYPE_DISK, "", true);
    assert_string_equal(value(FIELD_FILE_NAME), "\\");
    assert_string_equal(value(FIELD_FILE_PATH), "\\\\srv\\data\\");
    assert_string_equal(value(FIELD_EXTENSION), "");
    named("\\\\srv\\C$", SMB2_SHARE_TYPE_DISK, "", true);
    assert_string_equal(value(FIELD_LOCAL_PATH), "C:\\");
}

/* Nothing is known of the share: what there is of the name is told. */
static void no_share(void **state) {
    (void)state;
    named("", 0, "a.txt", false);
    assert_string_equal(value(FIELD_SHARE), "");
    assert_string_equal(value(FIELD_SHARE_PATH), "");
    assert_string_equal(value(FIELD_SHARE_TYPE), "");
    assert_string_equal(value(FIELD_FILE_PATH), "");
    assert_string_equal(value(FIELD_FILE_NAME), "a.txt");
    assert_string_equal(value(FIELD_EXTENSION), "txt");
    maker.event.count = 0;
    maker_file(&maker, NULL, utf16("b"), false);
    assert_string_equal(value(FIELD_FILE_NAME), "b");
}

/* The drive in capitals, whatever the client wrote: it is to be joined with what others say of that machine. */
static void local_path(void **state) {
    (void)state;
    static const struct {
        const char *share, *path;
    } cases[] = {
        {"C$", "C:\\Temp\\a.exe"},
        {"c$", "C:\\Temp\\a.exe"},
        {"z$", "Z:\\Temp\\a.exe"},
        {"ADMIN$", "C:\\Windows\\Temp\\a.exe"},
        {"Admin$", "C:\\Windows\\Temp\\a.exe"},
        {"admin$", "C:\\Windows\\Temp\\a.exe"},
        {"data", ""},
        {"C", ""},
        {"CC$", ""},
        {"1$", ""},
        {"[$", ""},
        {"@$", ""},
        {"$", ""},
        {"ADMIN", ""},
        {"ADMIN$$", ""},
        {"XADMIN$", ""},
        {"print$", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64] = "\\\\srv\\";
        strcat(path, cases[i].share);
        named(path, SMB2_SHARE_TYPE_DISK, "Temp\\a.exe", false);
        assert_string_equal(value(FIELD_LOCAL_PATH), cases[i].path);
    }
    static const uint8_t wide[] = {'\\', 0, '\\', 0, 's', 0, '\\', 0, 'C', 1, '$', 0}; /* U+0143 is no drive */
    struct tree_facts tree = {.path = text_utf16((struct view){wide, sizeof wide})};
    maker.event.count = 0;
    maker_file(&maker, &tree, utf16("a"), false);
    assert_string_equal(value(FIELD_LOCAL_PATH), "");
}

static void streams_and_extensions(void **state) {
    (void)state;
    static const struct {
        const char *name, *stream, *extension;
    } cases[] = {
        {"a.txt:s", "s", "txt"},
        {"dir.d\\a.TXT:Zone.Identifier:$DATA", "Zone.Identifier", "txt"},
        {"a.txt::$DATA", "", "txt"},
        {"a:", "", ""},
        {":s", "s", ""},
        {"a.tar.gz", "", "gz"},
        {"a.", "", ""},
        {".profile", "", ""},
        {"dir.d\\a", "", ""},
        {"a.b c", "", "b c"},
        {"a.1234567890123456", "", "1234567890123456"},
        {"a.12345678901234567", "", ""}, /* too long to be one */
        {"dir\\", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        named("\\\\srv\\data", SMB2_SHARE_TYPE_DISK, cases[i].name, false);
        assert_string_equal(value(FIELD_STREAM), cases[i].stream);
        assert_string_equal(value(FIELD_EXTENSION), cases[i].extension);
        assert_string_equal(value(FIELD_FILE_NAME), cases[i].name);
    }
    named("\\\\srv\\data", SMB2_SHARE_TYPE_DISK, "folder.d", true);
    assert_string_equal(value(FIELD_EXTENSION), "");
}

static void pipes(void **state) {
    (void)state;
    named("\\\\srv\\IPC$", SMB2_SHARE_TYPE_PIPE, "svcctl.x:y", false);
    assert_string_equal(value(FIELD_PIPE_NAME), "svcctl.x:y");
    assert_string_equal(value(FIELD_FILE_NAME), "svcctl.x:y");
    assert_string_equal(value(FIELD_EXTENSION), "");
    assert_string_equal(value(FIELD_STREAM), "");
    assert_string_equal(value(FIELD_SHARE_TYPE), "pipe");
}

/* A name of an odd number of bytes, which the wire may carry, is read up to its last whole character. */
static void odd_bytes(void **state) {
    (void)state;
    struct tree_facts tree = {.path = utf16("\\\\srv\\C$")};
    for (size_t cut = 0; cut < 20; cut++) {
        struct text name = utf16("d\\a.txt:st"), path = tree.path;
        name.bytes.n -= cut;
        maker.event.count = maker.text_count = 0;
        maker_file(&maker, &tree, name, false);
        (void)value(FIELD_EXTENSION);
        (void)value(FIELD_STREAM);
        path.bytes.n -= cut < path.bytes.n ? cut : path.bytes.n;
        struct tree_facts odd = {.path = path};
        maker.event.count = maker.text_count = 0;
        maker_share(&maker, &odd);
        maker_file(&maker, &odd, name, false);
        (void)value(FIELD_FILE_PATH);
    }
}

static void room_for_texts(void **state) {
    (void)state;
    maker.text_count = 0;
    assert_non_null(maker_texts(&maker, MAKER_TEXTS));
    assert_null(maker_texts(&maker, 1));
    maker.event.count = 0;
    struct tree_facts tree = {.path = utf16("\\\\srv\\C$")};
    maker_file(&maker, &tree, utf16("a"), false); /* the joined ones are left out */
    assert_string_equal(value(FIELD_FILE_NAME), "a");
    assert_string_equal(value(FIELD_FILE_PATH), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(share),
        cmocka_unit_test(dfs),
        cmocka_unit_test(root),
        cmocka_unit_test(no_share),
        cmocka_unit_test(local_path),
        cmocka_unit_test(pipes),
        cmocka_unit_test(streams_and_extensions),
        cmocka_unit_test(odd_bytes),
        cmocka_unit_test(room_for_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
