/* What the header promises, called as C calls it: results, refusals, null pointers, what is freed by whom, forks. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockgate.h"

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, lockgate_last_error()); \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

/* After that a child hangs, even on a machine that is busy. */
enum { CHILD_SECONDS = 60 };

static int32_t rows_of(const char *text) {
    return process_data((const uint8_t *)text, strlen(text));
}

static int says(const char *words) {
    return strstr(lockgate_last_error(), words) != NULL;
}

static LockgateStatus add(LockgateQuery *query, uint32_t format, const char *text) {
    return lockgate_query_add_bytes(query, format, (const uint8_t *)text, strlen(text));
}

static void rows_are_counted(void) {
    CHECK(process_data(NULL, 0) == 0);
    CHECK(rows_of("") == 0);
    CHECK(rows_of("\n\n") == 0);
    CHECK(rows_of("{\"a\":1}\n\n{\"a\":2}\r\n{}") == 3);
    CHECK(strcmp(lockgate_last_error(), "") == 0);
}

static void what_is_malformed_is_minus_one(void) {
    CHECK(rows_of("{\"a\":1}\n{\"a\":\n") == -1);
    CHECK(says("`data`, line 2"));
    CHECK(rows_of("[1]\n") == -1);
    CHECK(rows_of("user_id,value\n1,2\n") == -1);
    CHECK(process_data((const uint8_t *)"{\"a\":\"\xff\"}", 10) == -1);
    CHECK(process_data((const uint8_t *)"{}\0{}", 5) == -1);
    CHECK(process_data(NULL, 1) == -1);
    CHECK(says("`input` is null"));
    CHECK(process_data((const uint8_t *)"{}", SIZE_MAX) == -1);
    CHECK(says("`len` is"));
}

static void inputs_add_up(void) {
    LockgateQuery *query;
    char *report;
    size_t len;
    CHECK(lockgate_query_new("{\"measure\":[\"count\"]}", &query) == LOCKGATE_STATUS_OK);
    CHECK(add(query, LOCKGATE_INPUT_FORMAT_NDJSON, "{\"user_id\":1}\nnone\n{\"user_id\":2}") == LOCKGATE_STATUS_OK);
    CHECK(lockgate_query_report(query, LOCKGATE_OUTPUT_FORMAT_CSV, &report, &len) == LOCKGATE_STATUS_OK);
    CHECK(strcmp(report, "user_id,count\r\n1,1\r\n2,1\r\n") == 0 && len == strlen(report));
    lockgate_free(report);
    CHECK(add(query, LOCKGATE_INPUT_FORMAT_CSV, "user_id\n2\n") == LOCKGATE_STATUS_OK);
    CHECK(add(query, LOCKGATE_INPUT_FORMAT_DETECT, "") == LOCKGATE_STATUS_OK);
    CHECK(lockgate_query_report(query, LOCKGATE_OUTPUT_FORMAT_NDJSON, &report, &len) == LOCKGATE_STATUS_OK);
    CHECK(strcmp(report, "{\"user_id\":2,\"count\":2}\n{\"user_id\":1,\"count\":1}\n") == 0);
    lockgate_free(report);
    LockgateCounts counts;
    CHECK(lockgate_query_counts(query, &counts) == LOCKGATE_STATUS_OK);
    CHECK(counts.rows == 3 && counts.malformed == 1 && counts.timeless == 0);
    CHECK(lockgate_query_malformed(query, &report, &len) == LOCKGATE_STATUS_OK);
    CHECK(strstr(report, "\"line\":2") && report[len] == 0 && report[len - 1] == '\n');
    lockgate_free(report);
    lockgate_query_free(query);
}

static void a_failed_input_adds_nothing(void) {
    LockgateQuery *query;
    LockgateCounts counts;
    CHECK(lockgate_query_new("{\"strict\":true}", &query) == LOCKGATE_STATUS_OK);
    CHECK(add(query, LOCKGATE_INPUT_FORMAT_NDJSON, "{}\nnone\n") == LOCKGATE_STATUS_MALFORMED);
    CHECK(says("line 2"));
    CHECK(add(query, LOCKGATE_INPUT_FORMAT_DETECT, "hello there\n") == LOCKGATE_STATUS_UNKNOWN_FORMAT);
    CHECK(add(query, 77, "{}\n") == LOCKGATE_STATUS_ARGUMENT);
    CHECK(lockgate_query_add_file(query, "/nowhere/at all.log") == LOCKGATE_STATUS_READ);
    CHECK(says("/nowhere/at all.log"));
    CHECK(add(query, LOCKGATE_INPUT_FORMAT_NDJSON, "{}\n") == LOCKGATE_STATUS_OK);
    CHECK(lockgate_query_counts(query, &counts) == LOCKGATE_STATUS_OK);
    CHECK(counts.rows == 1 && counts.malformed == 0);
    lockgate_query_free(query);
}

static void null_pointers_are_refused(void) {
    LockgateQuery *query;
    char *report;
    size_t len;
    LockgateCounts counts;
    CHECK(lockgate_query_new(NULL, &query) == LOCKGATE_STATUS_NULL_POINTER && query == NULL);
    CHECK(says("`config` is null"));
    CHECK(lockgate_query_new("{}", NULL) == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(add(NULL, LOCKGATE_INPUT_FORMAT_NDJSON, "{}") == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(lockgate_query_add_file(NULL, "a") == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(lockgate_query_report(NULL, 0, &report, &len) == LOCKGATE_STATUS_NULL_POINTER && report == NULL);
    CHECK(lockgate_query_malformed(NULL, &report, &len) == LOCKGATE_STATUS_NULL_POINTER && len == 0);
    CHECK(lockgate_query_counts(NULL, &counts) == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(lockgate_query_new("{}", &query) == LOCKGATE_STATUS_OK);
    CHECK(lockgate_query_add_bytes(query, 1, NULL, 3) == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(lockgate_query_add_bytes(query, 1, NULL, 0) == LOCKGATE_STATUS_OK);
    CHECK(lockgate_query_add_file(query, NULL) == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(lockgate_query_report(query, 0, NULL, &len) == LOCKGATE_STATUS_NULL_POINTER);
    CHECK(lockgate_query_report(query, 0, &report, NULL) == LOCKGATE_STATUS_NULL_POINTER && report == NULL);
    CHECK(lockgate_query_report(query, 3, &report, &len) == LOCKGATE_STATUS_ARGUMENT && report == NULL);
    CHECK(lockgate_query_counts(query, NULL) == LOCKGATE_STATUS_NULL_POINTER);
    lockgate_query_free(query);
    lockgate_query_free(NULL);
    lockgate_free(NULL);
}

static void wrong_configurations_are_refused(void) {
    LockgateQuery *query;
    CHECK(lockgate_query_new("{\"group\":[]}", &query) == LOCKGATE_STATUS_CONFIGURATION && query == NULL);
    CHECK(says("unknown field `group`"));
    CHECK(lockgate_query_new("{\"where\":\"status >=\"}", &query) == LOCKGATE_STATUS_CONFIGURATION);
    CHECK(says("`where`"));
    CHECK(lockgate_query_new("", &query) == LOCKGATE_STATUS_CONFIGURATION);
}

static const char ROW[] = "{\"user_id\":12,\"value\":1}\n";
enum { ROW_LEN = sizeof ROW - 1, ROWS = 90000, ROWS_LEN = ROW_LEN * ROWS };

/* Enough for several threads: 2 MiB. */
static uint8_t *many_rows(void) {
    uint8_t *rows = malloc(ROWS_LEN);
    CHECK(rows);
    for (size_t i = 0; i < ROWS; i++) memcpy(rows + i * ROW_LEN, ROW, ROW_LEN);
    return rows;
}

static void many_rows_are_read_by_all_cores(void) {
    uint8_t *rows = many_rows();
    CHECK(process_data(rows, ROWS_LEN) == ROWS);
    rows[(size_t)ROW_LEN * 70000] = '!';
    CHECK(process_data(rows, ROWS_LEN) == -1);
    CHECK(says("line 70001"));
    free(rows);
}

/* Threads of the parent are not there in the child, which must not wait for them. */
static void a_forked_process_may_ask_too(void) {
    uint8_t *rows = many_rows();
    CHECK(process_data(rows, ROWS_LEN) == ROWS);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS);
        _exit(process_data(rows, ROWS_LEN) == ROWS ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(rows);
}

int main(void) {
    rows_are_counted();
    what_is_malformed_is_minus_one();
    inputs_add_up();
    a_failed_input_adds_nothing();
    null_pointers_are_refused();
    wrong_configurations_are_refused();
    many_rows_are_read_by_all_cores();
    a_forked_process_may_ask_too();
    puts("kept");
    return 0;
}
