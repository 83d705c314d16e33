/* The numbers of include/tables/ as constants, named as in the specifications: STATUS_PENDING, FSCTL_PIPE_TRANSCEIVE.
 *
 * For code that acts on a value; code that only shows one needs names.h. Values are 32 bits wide: compare them with
 * uint32_t. Nothing here has storage.
 */
#ifndef CONSTANTS_H
#define CONSTANTS_H

#define CONSTANT(value, name) name = value,

/* SMB2_NEGOTIATE and so on, and their number: a value below SMB2_COMMANDS is a command. */
enum smb2_command {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) SMB2_##name = number,
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
    SMB2_COMMANDS
};

enum ntstatus {
#define NTSTATUS CONSTANT
#include "tables/ntstatus.def"
#undef NTSTATUS
};

enum fsctl {
#define FSCTL CONSTANT
#include "tables/fsctl.def"
#undef FSCTL
};

/* By the names for files, pipes and printers. */
enum access_mask {
#define ACCESS_MASK(bit, file_name, directory_name) file_name = bit,
#include "tables/access_mask.def"
#undef ACCESS_MASK
};

enum file_attribute {
#define FILE_ATTRIBUTE CONSTANT
#include "tables/file_attribute.def"
#undef FILE_ATTRIBUTE
};

#undef CONSTANT

#endif
