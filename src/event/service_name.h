/* The service that a client asked for when it said who it is, as a server looks at it (MS-SMB2 3.3.5.5.3; MS-NLMP 2.2.2.1,
 * MsvAvTargetName). */
#ifndef SERVICE_NAME_H
#define SERVICE_NAME_H

#include "operation.h"

enum service_name {
    SERVICE_NAME_UNKNOWN, /* nothing was authenticated, or it was not seen whole */
    SERVICE_NAME_GOOD,
    SERVICE_NAME_MISSING, /* LM and NTLMv1 have no place for one */
    SERVICE_NAME_EMPTY,
    SERVICE_NAME_FOREIGN, /* neither cifs nor host, or another host than the server says it is, and not its address */
};

enum service_name service_name_judge(const struct operation *);

#endif
