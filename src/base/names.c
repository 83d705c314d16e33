#include "names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TABLE(rows) { (rows), COUNT(rows) }

const char *names_find(const struct name_table *table, uint32_t value)
{
    const struct name_row *rows = table->rows;
    size_t low = 0, high = table->count;

    /* Nearly every status is success, the first row of its table. */
    if (rows[0].value == value)
        return rows[0].name;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rows[middle].value == value)
            return rows[middle].name;
        if (rows[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A row as most files have it: the name is the identifier itself. */
#define ROW(value, name) { value, #name },

static const struct name_row smb2_command[] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) { number, "SMB2_" #name },
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
};
const struct name_table names_smb2_command = TABLE(smb2_command);

static const struct name_row ntstatus[] = {
#define NTSTATUS ROW
#include "tables/ntstatus.def"
#undef NTSTATUS
};
const struct name_table names_ntstatus = TABLE(ntstatus);

static const struct name_row fsctl[] = {
#define FSCTL ROW
#include "tables/fsctl.def"
#undef FSCTL
};
const struct name_table names_fsctl = TABLE(fsctl);

static const struct name_row access_mask_file[] = {
#define ACCESS_MASK(bit, file_name, directory_name) { bit, #file_name },
#include "tables/access_mask.def"
#undef ACCESS_MASK
};
const struct name_table names_access_mask_file = TABLE(access_mask_file);

static const struct name_row access_mask_directory[] = {
#define ACCESS_MASK(bit, file_name, directory_name) { bit, #directory_name },
#include "tables/access_mask.def"
#undef ACCESS_MASK
};
const struct name_table names_access_mask_directory = TABLE(access_mask_directory);

static const struct name_row file_attribute[] = {
#define FILE_ATTRIBUTE ROW
#include "tables/file_attribute.def"
#undef FILE_ATTRIBUTE
};
const struct name_table names_file_attribute = TABLE(file_attribute);
