'use strict'
// What there is to read: paths, which the library opens itself, or something that gives pieces of a text, or rows.

const { Readable } = require('node:stream')
const { setImmediate: turn } = require('node:timers/promises')
const { fileURLToPath } = require('node:url')
const { types } = require('node:util')
const { LockgateError, argumentError } = require('./errors.js')

/** Bytes that are handed over at once. */
const PIECE_BYTES = 256 << 10
/** What handing over a piece costs, in bytes. */
const PIECE_OVERHEAD_BYTES = 64
/** In memory, up to this size is read by one thread: to start others takes longer. */
const ALONE_BYTES_MAX = 1 << 20

/**
 * @returns {{ paths?: string[], items?: Iterator | AsyncIterator, total?: number, threads?: number, isReady: boolean, isWhole?: boolean, leave(): void }}
 *   `total` bytes, if that is known; `isReady` if it waits for nobody else; `isWhole` once it has nothing more to give; `leave` says that
 *   no more is wanted
 */
function sourceOf(data) {
  if (isPath(data)) return pathsSource([data])
  if (isBytes(data)) return bytesSource(bytesOf(data))
  if (Array.isArray(data) && data.every(isPath)) return pathsSource(data)
  if (Array.isArray(data) && data.some(isPath)) throw argumentError('`data` is an array of paths and of something else')
  const stream = data instanceof ReadableStream ? Readable.fromWeb(data, { objectMode: true }) : data
  const asyncItems = stream?.[Symbol.asyncIterator]?.()
  const items = asyncItems ?? stream?.[Symbol.iterator]?.()
  if (!items) {
    throw argumentError('`data` is no path, no bytes, no array of paths or rows, and no stream of bytes, texts or rows')
  }
  const leave = () => {
    if (stream instanceof Readable) stream.destroy()
    // What it still waits for may never come: nobody waits for it to end.
    ;(async () => items.return?.())().catch(() => {})
  }
  return { items, isReady: !asyncItems, leave }
}

function pathsSource(paths) {
  return { paths: paths.map(fileOf), isReady: true, leave() {} }
}

function bytesSource(bytes) {
  const total = bytes.byteLength
  return { items: slices(bytes), total, threads: total <= ALONE_BYTES_MAX ? 1 : 0, isReady: true, leave() {} }
}

/** Bytes in pieces, each looked at when it is asked for: in between the program may have given them away. */
function * slices(bytes) {
  const length = bytes.byteLength
  for (let start = 0; start < length; start += PIECE_BYTES) {
    if (bytes.byteLength !== length) throw goneError()
    yield bytes.subarray(start, start + PIECE_BYTES)
  }
}

/**
 * Hands over all that is in a source that gives items: bytes and texts as they are, rows as lines of JSON.
 *
 * @param {Iterator | AsyncIterator} items
 * @param {(bytes: Uint8Array) => Promise<void> | undefined} push waits where there is no room
 * @param {() => boolean} isLeft whether no more is wanted
 */
async function handOver(items, push, isLeft) {
  let text = ''
  let handed = 0
  let hasRows
  let rows = 0
  const give = async (bytes) => {
    const room = push(bytes)
    handed += bytes.byteLength + PIECE_OVERHEAD_BYTES
    if (room) {
      await room
    } else if (handed > PIECE_BYTES) {
      // Others have their turn, too.
      await turn()
    } else {
      return
    }
    handed = 0
  }
  const giveText = async (end = text.length) => {
    const bytes = Buffer.from(text.slice(0, end))
    text = text.slice(end)
    await give(bytes)
  }
  while (!isLeft()) {
    const { done, value } = await items.next()
    if (done) break
    const isRow = typeof value === 'object' && value !== null && !isBytes(value)
    hasRows ??= isRow
    if (hasRows !== isRow) throw argumentError('`data` has rows, and texts or bytes, among each other')
    if (isRow || typeof value === 'string') {
      text += isRow ? lineOf(value, rows++) : value
      if (text.length >= PIECE_BYTES) await giveText(endOfPairs(text))
    } else if (isBytes(value)) {
      if (text !== '') await giveText()
      for (const piece of slices(bytesOf(value))) await give(piece)
    } else {
      throw argumentError(`\`data\` has something that is no row, no text and no bytes: ${typeof value}`)
    }
  }
  await giveText()
}

/** Where a text ends but for the first half of a character, whose other half may come next: alone it is no character of UTF-8. */
function endOfPairs(text) {
  const isHalf = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800
  return isHalf ? text.length - 1 : text.length
}

/** A row as a line of JSON. */
function lineOf(row, number) {
  try {
    return `${JSON.stringify(row)}\n`
  } catch (error) {
    throw new LockgateError('ERR_INPUT', `row ${number} cannot be written as JSON: ${error.message}`)
  }
}

function fileOf(path) {
  try {
    return typeof path === 'string' ? path : fileURLToPath(path)
  } catch (error) {
    throw argumentError(`\`${path}\` is no file: ${error.message}`)
  }
}

function isPath(data) {
  return typeof data === 'string' || data instanceof URL
}

function isBytes(data) {
  return ArrayBuffer.isView(data) || types.isAnyArrayBuffer(data)
}

/** Bytes as an array of them. */
function bytesOf(data) {
  try {
    return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
  } catch {
    throw goneError()
  }
}

function goneError() {
  return new LockgateError('ERR_INPUT', 'reading `data`: it was detached or resized before it was read')
}

module.exports = { handOver, sourceOf }
