/* Questions about events, for C: see the README beside this folder.
 * Generated from bindings/c/src: `cargo xtask generate` writes it again. */

#ifndef LOCKGATE_H
#define LOCKGATE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// What a call came to. `lockgate_last_error` says it in words.
enum LockgateStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // It is done.
  LOCKGATE_STATUS_OK = 0,
  // A pointer is null that must not be.
  LOCKGATE_STATUS_NULL_POINTER = 1,
  // A length, a format or a text is none.
  LOCKGATE_STATUS_ARGUMENT = 2,
  // The question's configuration is wrong.
  LOCKGATE_STATUS_CONFIGURATION = 3,
  // A file cannot be found or read.
  LOCKGATE_STATUS_READ = 4,
  // Nothing says what format an input has.
  LOCKGATE_STATUS_UNKNOWN_FORMAT = 5,
  // A line is malformed, and the configuration says `strict`.
  LOCKGATE_STATUS_MALFORMED = 6,
  // The question makes more groups than there is room for: free the query and ask for fewer.
  LOCKGATE_STATUS_TOO_MANY_GROUPS = 7,
  // The library has a defect: free the query.
  LOCKGATE_STATUS_PANIC = 8,
  // An earlier call left the query unfit for anything but `lockgate_query_free`.
  LOCKGATE_STATUS_UNUSABLE = 9,
  // There is no memory for the answer.
  LOCKGATE_STATUS_MEMORY = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum LockgateStatus LockgateStatus;
#else
typedef int32_t LockgateStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What an input is.
enum LockgateInputFormat
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // That is found out from the content.
  LOCKGATE_INPUT_FORMAT_DETECT = 0,
  // A JSON object per line.
  LOCKGATE_INPUT_FORMAT_NDJSON = 1,
  // Comma-separated values with a line of names (RFC 4180).
  LOCKGATE_INPUT_FORMAT_CSV = 2,
  // The common or combined access log of NGINX and Apache.
  LOCKGATE_INPUT_FORMAT_COMBINED = 3,
  // A segment of a journal.
  LOCKGATE_INPUT_FORMAT_SEGMENT = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum LockgateInputFormat LockgateInputFormat;
#else
typedef uint32_t LockgateInputFormat;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a report is written.
enum LockgateOutputFormat
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // One JSON array of objects.
  LOCKGATE_OUTPUT_FORMAT_JSON = 0,
  // A JSON object per line.
  LOCKGATE_OUTPUT_FORMAT_NDJSON = 1,
  // Comma-separated values with a line of names (RFC 4180).
  LOCKGATE_OUTPUT_FORMAT_CSV = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum LockgateOutputFormat LockgateOutputFormat;
#else
typedef uint32_t LockgateOutputFormat;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A question that is being answered. One thread at a time may use it; different queries do not disturb each other.
typedef struct LockgateQuery LockgateQuery;

// What has been read so far.
typedef struct LockgateCounts {
  // Lines, or records of a segment, the malformed and the empty ones among them.
  uint64_t lines;
  // Rows, whether the condition admitted them or not.
  uint64_t rows;
  // Lines that could not be read.
  uint64_t malformed;
  // Rows without a moment where the question is about time: they are in no period.
  uint64_t timeless;
  // Bytes of content, decompressed.
  uint64_t bytes;
} LockgateCounts;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Parses and validates events, or any rows: lines of JSON objects (NDJSON). Empty lines are passed over.
//
// Returns the number of rows; -1 when a line is malformed, `input` is null though `len` is not 0, or there are more than INT32_MAX rows.
// lockgate_last_error() then says which line and why.
//
// # Safety
//
// `input` points to `len` bytes, which nobody changes during the call.
int32_t process_data(const uint8_t *input,
                     size_t len);

// Makes a query of a configuration, which is a JSON object in UTF-8. All keys may be left out:
//
// - "by": names of fields whose values make the groups; ["user_id"] if left out, [] for one group of everything
// - "measure": count, count(F), sum(F), min(F), max(F), mean(F), median(F), p99.9(F), histogram(F), distinct(F), top5(F) of a field F,
//   as an array of strings; the count and the sum of "value" if left out
// - "where": which rows count, such as "status >= 500 and route = 'orders'"
// - "every": length of the periods that divide the groups by time: "30s", "5m", "1h", "1d"
// - "time_field": the field that says when a row happened; "ts" if left out
// - "strict": whether adding an input fails at its first malformed line instead of counting it; false if left out
//
// `*query` is freed by lockgate_query_free(). It is null if the call fails.
//
// # Safety
//
// `config` ends with a NUL; `query` points to a place for a pointer.
LockgateStatus lockgate_query_new(const char *config,
                                  struct LockgateQuery **query);

// Adds the rows of `len` bytes in memory, plain or compressed with gzip or zstd. `format` is a LockgateInputFormat. A call ends the last
// line: lines must not be split between calls. Of CSV, each call begins with the line of names.
//
// If the call fails, none of the rows have been added.
//
// # Safety
//
// `query` came from lockgate_query_new() and is not in use; `data` points to `len` bytes, which nobody changes during the call.
LockgateStatus lockgate_query_add_bytes(struct LockgateQuery *query,
                                        uint32_t format,
                                        const uint8_t *data,
                                        size_t len);

// Adds the rows of a file, plain or compressed; of all files of a folder whose names say that they can be read; of a gateway's data
// directory; or of all files that match a pattern such as "logs/*.gz". All cores read. What each file is, is found
// out.
//
// A journal is to be added as a folder, by one call: records that two of its segments hold are counted once only within a call.
//
// If the call fails, none of the rows have been added.
//
// # Safety
//
// `query` came from lockgate_query_new() and is not in use; `path` ends with a NUL.
LockgateStatus lockgate_query_add_file(struct LockgateQuery *query,
                                       const char *path);

// Writes what the rows say so far; more may be added afterwards. `format` is a LockgateOutputFormat.
//
// `*report` has a NUL behind its `*len` bytes and is freed by lockgate_free(). It is null if the call fails.
//
// # Safety
//
// `query` came from lockgate_query_new() and is not in use; `report` and `len` point to places for a pointer and a length.
LockgateStatus lockgate_query_report(const struct LockgateQuery *query,
                                     uint32_t format,
                                     char **report,
                                     size_t *len);

// Tells how much has been read so far.
//
// # Safety
//
// `query` came from lockgate_query_new() and is not in use; `counts` points to a place for them.
LockgateStatus lockgate_query_counts(const struct LockgateQuery *query,
                                     struct LockgateCounts *counts);

// Tells where the first ten malformed lines are: a JSON object per line, with "input", "line" (from 1) and "what".
//
// `*lines` has a NUL behind its `*len` bytes and is freed by lockgate_free(). It is null if the call fails.
//
// # Safety
//
// `query` came from lockgate_query_new() and is not in use; `lines` and `len` point to places for a pointer and a length.
LockgateStatus lockgate_query_malformed(const struct LockgateQuery *query,
                                        char **lines,
                                        size_t *len);

// Frees a query; null is nothing to free.
//
// # Safety
//
// `query` is null or came from lockgate_query_new(), is not in use and has not been freed.
void lockgate_query_free(struct LockgateQuery *query);

// Frees a text that a function of this library has handed over; null is nothing to free.
//
// # Safety
//
// `text` is null or came from this library to be freed, and has not been freed.
void lockgate_free(char *text);

// Says what went wrong in this thread's last call: a line of UTF-8, empty if the call succeeded, never null.
//
// It belongs to the library and stays until the thread calls a function that returns a LockgateStatus, or process_data().
const char *lockgate_last_error(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LOCKGATE_H */
