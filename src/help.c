#include "help.h"

#include <stdio.h>

#include "base/code_page.h"

void help_print(void) {
    static const char text[] =
        "usage: smbtap -r FILE|DIR|- [-r ...] [option ...] [BPF expression]\n"
        "       smbtap inventory ...  who still speaks SMB1 to whom; see smbtap inventory -h\n"
        "\n"
        "Reads captures and writes what SMB clients did, one JSON record a line.\n"
        "\n"
        "  -r FILE|DIR|-         a capture, a folder of captures (in name order) or standard input; repeatable\n"
        "  -o FILE|-             where records go; default: standard output\n"
        "  --detail DETAIL       handles (default): what was done to files; operations: every request and response\n"
        "  --port N              a TCP port of SMB servers, repeatable; default 445 and 139\n"
        "                        (SMB on any other port is found by its first message)\n"
        "  --home-net CIDR       a network of ours, repeatable; gives each record its network_direction\n"
        "  --code-page NAME      how names are written in SMB1 without Unicode, as iconv calls it; "
        "default: " CODE_PAGE_DEFAULT "\n"
        "  --sensor-id NAME      stands in every record; default: replay\n"
        "  --memory SIZE         what the program may hold of what it follows: bytes, or 64M, 2G; default: 512M\n"
        "  --flows N             connections followed at once; default: 1048576\n"
        "  --idle-timeout TIME   a connection without a packet ends after this: 90s, 30m, 3h (default), 1d\n"
        "  --flow-key KEY        vlan or tunnel, repeatable: these identifiers tell connections apart as well\n"
        "  --verify-checksums    leaves alone what has a wrong checksum of IPv4's header or of TCP\n"
        "  --print-filter        prints a filter for tcpdump or dumpcap that lets SMB through, also tagged, wrapped\n"
        "                        and fragmented\n"
        "  --schema              prints the JSON Schema of the records\n"
        "  -q, --quiet           only errors on standard error\n"
        "  -v, --verbose         more on standard error, and the summary also where that is no terminal\n"
        "  -V, --version         prints the version\n"
        "  -h, --help            prints this\n"
        "\n"
        "Exit status: 0 done; 1 something could not be read or written; 2 wrong usage; 3 a capture is cut or damaged,\n"
        "and what could be read of it was decoded. More in smbtap(8).\n";
    fputs(text, stdout);
}

void help_print_inventory(void) {
    static const char text[] =
        "usage: smbtap inventory -r FILE|DIR|- [-r ...] [option ...] [BPF expression]\n"
        "       smbtap inventory --records FILE|- [--records ...] [option ...]\n"
        "\n"
        "Says who still speaks SMB1 to whom, and who asks for it in vain.\n"
        "\n"
        "  -r FILE|DIR|-         a capture, a folder of captures (in name order) or standard input; repeatable\n"
        "  --records FILE|-      records that smbtap wrote, or standard input; repeatable\n"
        "  --since TIME          only connections that were active so long before the newest record: 30m, 1h, 2d\n"
        "  --format FORMAT       table (default), json or csv\n"
        "  -o FILE|-             where the answer goes; default: standard output\n"
        "  --port N              a TCP port of SMB servers, repeatable; default 445 and 139\n"
        "  --memory SIZE         what the program may hold of what it follows: bytes, or 64M, 2G; default: 512M\n"
        "  --flows N             connections followed at once; default: 1048576\n"
        "  --idle-timeout TIME   a connection without a packet ends after this: 90s, 30m, 3h (default), 1d\n"
        "  -q, --quiet           only errors on standard error\n"
        "  -v, --verbose         more on standard error\n"
        "  -h, --help            prints this\n"
        "\n"
        "Exit status: 0 nobody spoke SMB1 or asked for it; 4 somebody did; 1 something could not be read or written;\n"
        "2 wrong usage; 3 a capture or a file of records is damaged. More in smbtap(8).\n";
    fputs(text, stdout);
}
