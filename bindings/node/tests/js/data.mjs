// Data that takes a while.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LINE = '{"user_id":1,"value":2,"route":"/orders/with/a/path","latency_us":123456}\n'
/** What is said of so many lines. */
export const usage = (lines) => [{ user_id: 1, count: lines, total_value: 2 * lines }]
export const LARGE_LINES = 400_000
export const large = () => Buffer.from(LINE.repeat(LARGE_LINES))
/** 64 KiB or so of lines. */
export const CHUNK_LINES = 900
export const CHUNK = Buffer.from(LINE.repeat(CHUNK_LINES))

let file
/** The path of a file of `LARGE_LINES`. */
export function largeFile() {
  if (!file) {
    file = join(mkdtempSync(join(tmpdir(), 'lockgate-')), 'large.ndjson')
    writeFileSync(file, large())
  }
  return file
}
