/* Information buffers of QUERY_INFO responses, MS-FSCC 2.4: what a buffer holds is told by the class of its request, which a
 * dissector of one message cannot know. So the model asks here once the two have met. Pure functions of the bytes. */
#ifndef FSCC_H
#define FSCC_H

#include <stdbool.h>

#include "dissector.h"
#include "pdu_smb2.h"

struct fscc_file {
    bool has_times, has_attributes, has_size, has_directory, has_delete_pending;
    struct smb2_file_times times;
    uint32_t attributes;
    uint64_t end_of_file;
    bool directory, delete_pending;
    struct text name; /* full name from the share's root, as the server says; empty where the class has none */
};

/* The facts of a buffer of the class (FileBasicInformation, FileStandardInformation, FileAllInformation, FileNameInformation,
 * FileNormalizedNameInformation, FileNetworkOpenInformation, FileAttributeTagInformation). V_NOT_MINE for the others,
 * V_SHORT or V_BAD where the buffer does not hold what its class says; out is written only with V_OK. */
enum verdict fscc_file_information(uint8_t info_class, struct view buffer, struct fscc_file *out);

#endif
