#include "help.h"

#include <stdio.h>

#include "base/code_page.h"
#include "canary/conversation.h"
#include "options.h"

void help_print(void) {
    static const char text[] =
        "usage: smbtap -i INTERFACE [-i ...] [option ...] [BPF expression]\n"
        "       smbtap -r FILE|DIR|- [-r ...] [option ...] [BPF expression]\n"
        "       smbtap inventory ...  who still speaks SMB1 to whom; see smbtap inventory -h\n"
        "       smbtap canary ...     does what is sent there arrive here? see smbtap canary -h\n"
        "       smbtap events ...     what of the Windows logs is seen; see smbtap events -h\n"
        "\n"
        "Listens on interfaces, or reads captures, and writes what SMB clients did, one JSON record a line.\n"
        "\n"
        "  -i INTERFACE          listens there; repeatable; any: all there are\n"
        "  -r FILE|DIR|-         a capture, a folder of captures (in name order) or standard input; repeatable\n"
        "  -c, --config FILE     settings, in YAML; options lie on top; default with -i and -T, where it exists:\n"
        "                        " OPTIONS_CONFIG_DEFAULT "\n"
        "  -T                    checks the settings of a live run, prints them as such a file, and does nothing else\n"
        "  -o OUTPUT             where records go, repeatable: a file, - (default: standard output), file:PATH,\n"
        "                        syslog+udp://HOST, syslog+tcp://HOST, syslog+tls://HOST, syslog+unix:///dev/log,\n"
        "                        relp://HOST:PORT, relp+tls://HOST:PORT or kafka://BROKER/TOPIC; settings behind a\n"
        "                        question mark, as 'syslog+tls://siem.example?ca=ca.pem&objects=finding'\n"
        "  --detail DETAIL       handles (default): what was done to files; operations: every request and response\n"
        "  --port N              a TCP port of SMB servers, repeatable; default 445 and 139\n"
        "                        (SMB on any other port is found by its first message)\n"
        "  --home-net CIDR       a network of ours, repeatable; gives each record its network_direction\n"
        "  --code-page NAME      how names are written in SMB1 without Unicode, as iconv calls it; "
        "default: " CODE_PAGE_DEFAULT "\n"
        "  --sensor-id NAME      stands in every record; default: the host's name, with -r replay\n"
        "  --memory SIZE         what the program may hold of what it follows: bytes, or 64M, 2G; default: 512M\n"
        "  --flows N             connections followed at once; default: 1048576\n"
        "  --idle-timeout TIME   a connection without a packet ends after this: 90s, 30m, 3h (default), 1d\n"
        "  --slow TIME           an answer that is later is a finding: 15s (default), 250ms, 1.5s, 2m\n"
        "  --flow-key KEY        vlan or tunnel, repeatable: these identifiers tell connections apart as well\n"
        "  --verify-checksums    leaves alone what has a wrong checksum of IPv4's header or of TCP\n"
        "  --user NAME           who root becomes before the first packet; default: " SANDBOX_USER "\n"
        "  --no-sandbox          stays who it was and may do what that one may: a fault is then a way in\n"
        "  --print-filter        prints a filter for tcpdump or dumpcap that lets SMB through, also tagged, wrapped\n"
        "                        and fragmented\n"
        "  --schema              prints the JSON Schema of the records\n"
        "  -q, --quiet           only errors on standard error\n"
        "  -v, --verbose         more on standard error, and the summary also where that is no terminal\n"
        "  -V, --version         prints the version\n"
        "  -h, --help            prints this\n"
        "\n"
        "With -i:\n"
        "  --workers N           threads that decode; default: auto, one for each core but one\n"
        "  --buffer SIZE         memory for packets that wait, of each interface; default: 256M\n"
        "  --snap-length N       bytes of a packet that are taken; default: 262144\n"
        "  --no-promiscuous      only packets of this machine, and those sent to all\n"
        "  --stats-interval TIME a record of the sensor's state so often; default: 60s\n"
        "  --loss-threshold N    more packets lost than this, in percent, is a finding; default: 1\n"
        "  --metrics [ADDR:]PORT where Prometheus reads metrics; without an address on this machine alone\n"
        "  --metrics-file FILE   the same for node_exporter, written anew each time\n"
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
        "  --code-page NAME      how names are written in SMB1 without Unicode, as iconv calls it; "
        "default: " CODE_PAGE_DEFAULT "\n"
        "  --memory SIZE         what the program may hold of what it follows: bytes, or 64M, 2G; default: 512M\n"
        "  --flows N             connections followed at once; default: 1048576\n"
        "  --idle-timeout TIME   a connection without a packet ends after this: 90s, 30m, 3h (default), 1d\n"
        "  --user NAME           who root becomes before the first packet; default: " SANDBOX_USER "\n"
        "  --no-sandbox          stays who it was and may do what that one may: a fault is then a way in\n"
        "  -q, --quiet           only errors on standard error\n"
        "  -v, --verbose         more on standard error\n"
        "  -h, --help            prints this\n"
        "\n"
        "Exit status: 0 nobody spoke SMB1 or asked for it; 4 somebody did; 1 something could not be read or written;\n"
        "2 wrong usage; 3 a capture or a file of records is damaged. More in smbtap(8).\n";
    fputs(text, stdout);
}

void help_print_canary(void) {
    static const char text[] =
        "usage: smbtap canary -i INTERFACE [-6] [--mark NAME] [--check FILE [--timeout TIME]]\n"
        "       smbtap canary --check FILE --mark NAME [--timeout TIME]\n"
        "\n"
        "Sends one harmless conversation that is made up, prints the name of its share, and waits for its record.\n"
        "\n"
        "  -i INTERFACE          sends it there, between addresses of documentation: 192.0.2.201 and 192.0.2.202\n"
        "  -6                    between 2001:db8::c1 and 2001:db8::c2\n"
        "  --mark NAME           the name of its share; default: " CONVERSATION_MARK_PREFIX "<16 hexadecimal digits>\n"
        "  --check FILE          waits for its record in a file that a sensor writes, also one that is not there yet\n"
        "  --timeout TIME        for how long: 30s (default), 5m\n"
        "  -h, --help            prints this\n"
        "\n"
        "Exit status: 0 it was sent, or with --check its record arrived; 1 it could not be sent, or did not arrive;\n"
        "2 wrong usage. More in smbtap(8).\n";
    fputs(text, stdout);
}

void help_print_events(void) {
    static const char text[] = "usage: smbtap events [--format FORMAT]\n"
                               "\n"
                               "Lists the events of the Windows logs about SMB: which of them are seen on the wire, or "
                               "why not, which records\n"
                               "name them, and which fields of a record have what an event says.\n"
                               "\n"
                               "  --format FORMAT       table (default), json or csv\n"
                               "  -h, --help            prints this\n"
                               "\n"
                               "Exit status: 0 done; 1 it could not be written; 2 wrong usage. More in smbtap(8).\n";
    fputs(text, stdout);
}
