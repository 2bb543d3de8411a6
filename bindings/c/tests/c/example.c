/* Answers a question about files: ./example '{"by":["route"],"measure":["count","p99(latency_us)"]}' access.log */
#include <stdio.h>

#include "lockgate.h"

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, lockgate_last_error());
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s CONFIG FILE...\n", argv[0]);
        return 2;
    }
    LockgateQuery *query;
    if (lockgate_query_new(argv[1], &query) != LOCKGATE_STATUS_OK) return failed("configuration");

    int result = 0;
    for (int i = 2; i < argc; i++) {
        if (lockgate_query_add_file(query, argv[i]) != LOCKGATE_STATUS_OK) result = failed(argv[i]);
    }
    char *report;
    size_t len;
    if (lockgate_query_report(query, LOCKGATE_OUTPUT_FORMAT_NDJSON, &report, &len) == LOCKGATE_STATUS_OK) {
        fwrite(report, 1, len, stdout);
    } else {
        result = failed("report");
    }
    lockgate_free(report);
    lockgate_query_free(query);
    return result;
}
