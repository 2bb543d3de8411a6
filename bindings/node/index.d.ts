/** What is read: files, folders, patterns; bytes; rows; or something that gives bytes, texts or rows one after the other. */
export type Data =
  | string
  | URL
  | readonly (string | URL)[]
  | ArrayBufferView
  | ArrayBufferLike
  | Iterable<Piece>
  | AsyncIterable<Piece>
  | ReadableStream<Piece>

/** Part of a text, as bytes or as a string, or a row. One source gives rows or parts of a text, not both. */
export type Piece = string | ArrayBufferView | ArrayBufferLike | object

/** The question. What is left out is as in `lockgate process`. */
export interface Config {
  /** Fields whose values make the groups; `[]` for one group of everything. Left out: `['user_id']`. */
  by?: readonly string[]
  /**
   * `count`, `count(F)`, `sum(F)`, `min(F)`, `max(F)`, `mean(F)`, `median(F)`, `p99.9(F)`, `histogram(F)`, `distinct(F)`, `top5(F)`. Left
   * out: how many `value`s there are, as `count`, and their sum, as `total_value`.
   */
  measure?: readonly string[]
  /** Which rows count, as `status >= 500 and route = 'orders'`. */
  where?: string
  /** Periods that divide the groups by time: `30s`, `5m`, `1h`, `1d`. */
  every?: string
  /** The field that says when a row happened. Left out: `ts`. */
  time_field?: string
  /** Whether the first malformed line fails the call; else it is counted. */
  strict?: boolean
}

export type Format = 'ndjson' | 'csv' | 'combined' | 'segment'

/** How it is read, and what is told meanwhile. */
export interface Options {
  /** What all inputs are; left out, that is found out from names and content. */
  format?: Format
  /** Called ten times a second, and at the end. What it throws ends the work, and rejects the promise. */
  progress?: (progress: Progress) => void
  /** Ends the work; the promise rejects with an `AbortError`. */
  signal?: AbortSignal
  /** Threads that read. Left out: one per core. */
  threads?: number
}

export interface Progress {
  /** Bytes read so far, as they lie on the disk. */
  bytes: number
  /** Bytes there are, if that is known. */
  total: number | null
}

/**
 * A number is a `number` if JavaScript prints the very same digits, and a whole one if it is safe; else it is a `string` of the exact
 * digits. Moments are strings by RFC 3339.
 */
export type Value = string | number | boolean | null | TopValue[] | Bar[]

/** One value of a `topN(F)`. */
export interface TopValue {
  value: string | number | boolean | null
  count: number
}

/** One bar of a `histogram(F)`. */
export interface Bar {
  lower: number | string
  upper: number | string
  count: number
}

/** A group: its period if there are any, the fields grouped by, the measures. */
export type Row = Record<string, Value>

export interface Counts {
  /** Lines, or records, the malformed and the empty ones among them. */
  lines: number
  /** Rows, whether the condition admitted them or not. */
  rows: number
  /** Lines that could not be read. */
  malformed: number
  /** Rows without a moment where the question is about time: they are in no period. */
  timeless: number
  /** Bytes of content, decompressed. */
  bytes: number
}

/** A line that could not be read. */
export interface Place {
  /** The file, or `data`. */
  input: string
  /** From 1. */
  line: number
  what: string
}

/** The answer: one row per group, by time, then the greatest first measure first. */
export class Report<R extends object = Row> implements Iterable<R> {
  private constructor()
  /** The names of the columns, in their order. */
  readonly columns: string[]
  readonly counts: Counts
  /** The first ten malformed lines. */
  readonly malformed: Place[]
  /** All rows; they are made once, when they are first asked for. */
  get rows(): R[]
  /** Rows one after the other, without keeping them. */
  [Symbol.iterator](): Iterator<R>
  /** The rows: what `JSON.stringify(report)` writes. */
  toJSON(): R[]
  /** An object of JSON on each line; numbers have their exact digits. */
  toNDJSON(): string
  /** Comma-separated values with a line of names (RFC 4180); numbers have their exact digits. */
  toCSV(): string
}

export type ErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_CONFIGURATION'
  | 'ERR_FORMAT'
  | 'ERR_GROUPS'
  | 'ERR_INPUT'
  | 'ERR_INTERNAL'
  | 'ERR_MALFORMED'
  | 'ERR_NOT_BUILT'
  | 'ERR_THREADS'

export class LockgateError extends Error {
  private constructor()
  readonly name: 'LockgateError'
  readonly code: ErrorCode
  /** Of `ERR_MALFORMED`, where the line is. */
  readonly place?: Place
}

/** Answers a question about logs and events, in threads of its own. */
export function processLargeDataset<R extends object = Row>(
  data: Data,
  config?: Config | null,
  options?: Options | null
): Promise<Report<R>>
