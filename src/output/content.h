/* The one line for a person that a flow/message record has, made from the facts it has anyway:
 * "SMB2 CREATE \\FS01\ADMIN$\Temp\a.exe: STATUS_SUCCESS". */
#ifndef CONTENT_H
#define CONTENT_H

#include "fact.h"

/* ,"content":"..." */
void content_write(struct fact_writer *, const struct fact_index *);

#endif
