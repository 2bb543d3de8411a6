/* Answers one shared vector: ./vector CONFIG FORMAT FILE prints what became of it as one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lockgate.h"

static int stop(LockgateQuery *query, LockgateStatus status) {
    printf("{\"status\":%d}\n", (int)status);
    fprintf(stderr, "%s\n", lockgate_last_error());
    lockgate_query_free(query);
    return 0;
}

static uint8_t *contents(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) exit(2);
    long size = ftell(file);
    if (size < 0) exit(2);
    rewind(file);
    uint8_t *bytes = malloc((size_t)size + 1);
    if (!bytes) exit(2);
    *len = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    LockgateQuery *query = NULL;
    LockgateStatus status = lockgate_query_new(argv[1], &query);
    if (status) return stop(query, status);

    size_t len;
    uint8_t *input = contents(argv[3], &len);
    status = lockgate_query_add_bytes(query, (uint32_t)atoi(argv[2]), input, len);
    free(input);
    if (status) return stop(query, status);

    LockgateCounts counts;
    char *report = NULL, *lines = NULL;
    status = lockgate_query_counts(query, &counts);
    if (!status) status = lockgate_query_report(query, LOCKGATE_OUTPUT_FORMAT_JSON, &report, &len);
    if (!status) status = lockgate_query_malformed(query, &lines, &len);
    if (status) return stop(query, status);

    /* Objects on lines of their own become an array. */
    for (size_t i = 0; i + 1 < len; i++) {
        if (lines[i] == '\n') lines[i] = ',';
    }
    printf("{\"status\":0,\"rows\":%" PRIu64 ",\"malformed\":%" PRIu64 ",\"timeless\":%" PRIu64
           ",\"report\":%s,\"places\":[%s]}\n",
           counts.rows, counts.malformed, counts.timeless, report, lines);
    lockgate_free(report);
    lockgate_free(lines);
    lockgate_query_free(query);
    return 0;
}
