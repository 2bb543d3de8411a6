// Work that ends before its end: aborted, failed, no longer wanted.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createReadStream, symlinkSync } from 'node:fs'
import { Readable } from 'node:stream'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LockgateError, processLargeDataset } from 'lockgate'
import { CHUNK, largeFile } from './data.mjs'

const ABORTED = { name: 'AbortError', code: 'ABORT_ERR' }
/** A program that has not ended by then hangs, even on a machine that is busy. */
const HANGS_MS = 60_000

/** Chunks without end, with what became of them. */
function endless() {
  const seen = { chunks: 0, isLeft: false }
  const source = async function * () {
    try {
      for (;;) {
        seen.chunks += 1
        yield CHUNK
      }
    } finally {
      seen.isLeft = true
    }
  }
  return [source(), seen]
}

/** Aborts once a job has begun to read. */
function afterStart() {
  const controller = new AbortController()
  return { signal: controller.signal, progress: () => controller.abort(new Error('enough')) }
}

test('what is aborted stops, and its source is left', async () => {
  const [source, seen] = endless()
  await assert.rejects(processLargeDataset(source, {}, afterStart()), (error) => {
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause.message, 'enough')
    return true
  })
  assert.ok(seen.isLeft)
  const { chunks } = seen
  await sleep(20)
  assert.equal(seen.chunks, chunks)
})

test('files and streams of files are aborted', async () => {
  const file = largeFile()
  const links = Array.from({ length: 30 }, (_, n) => `${file}-${n}`)
  links.forEach((link) => symlinkSync(file, link))
  await assert.rejects(processLargeDataset(links, {}, afterStart()), ABORTED)
  const stream = createReadStream(file)
  const controller = new AbortController()
  const answer = processLargeDataset(stream, {}, { signal: controller.signal })
  controller.abort()
  await assert.rejects(answer, ABORTED)
  assert.ok(stream.destroyed)
})

test('a source that gives nothing any more is not waited for', async () => {
  const never = () => new Promise(() => {})
  const stuck = { [Symbol.asyncIterator]: () => ({ next: never, return: never }) }
  const streams = [stuck, new Readable({ read() {} }), new ReadableStream({ pull: never }), (async function * () { await never() })()]
  for (const stream of streams) {
    await assert.rejects(processLargeDataset(stream, {}, { signal: AbortSignal.timeout(10) }), ABORTED)
  }
})

test('what is aborted before it begins does not begin', async () => {
  const stream = new Readable({ read() { assert.fail('it is read') } })
  await assert.rejects(processLargeDataset(stream, {}, { signal: AbortSignal.abort() }), ABORTED)
  assert.ok(stream.destroyed)
})

test('who stands in line may leave it, and the others go on', async () => {
  const file = largeFile()
  const controller = new AbortController()
  const first = Array.from({ length: 4 }, () => processLargeDataset(file))
  const leaves = Array.from({ length: 3 }, () => processLargeDataset(file, {}, { signal: controller.signal }))
  const last = processLargeDataset([{ user_id: 1 }])
  controller.abort()
  const left = await Promise.allSettled(leaves)
  left.forEach(({ reason }) => assert.equal(reason.name, 'AbortError'))
  assert.equal((await last).counts.rows, 1)
  await Promise.all(first)
})

test('a source that never came to its turn is left', async () => {
  let left = 0
  const iterator = { next: () => ({ done: true }), return() { left += 1; return {} } }
  const file = largeFile()
  const controller = new AbortController()
  const first = Array.from({ length: 4 }, () => processLargeDataset(file))
  const waits = processLargeDataset({ [Symbol.iterator]: () => iterator }, {}, { signal: controller.signal })
  controller.abort()
  await assert.rejects(waits, ABORTED)
  assert.equal(left, 1)
  await Promise.all(first)
})

test('a pipe that says nothing is not waited for', () => {
  const { status, stderr } = spawnSync(process.execPath, ['tests/pipes.mjs'], { encoding: 'utf8', timeout: HANGS_MS })
  assert.equal(status, 0, stderr)
})

test('a signal is let go of', async () => {
  const { signal } = new AbortController()
  const listeners = new Set()
  signal.addEventListener = (_, listener) => listeners.add(listener)
  signal.removeEventListener = (_, listener) => listeners.delete(listener)
  await Promise.all(Array.from({ length: 10 }, () => processLargeDataset([{}], {}, { signal })))
  assert.equal(listeners.size, 0)
})

test('what a source throws is passed on', async () => {
  const mine = new Error('mine')
  const failing = async function * () {
    yield CHUNK
    throw mine
  }
  await assert.rejects(processLargeDataset(failing()), (error) => error === mine)
  await assert.rejects(processLargeDataset(Readable.from(failing())), (error) => error === mine)
  await assert.rejects(processLargeDataset(createReadStream('/nowhere/at.all')), { code: 'ENOENT' })
  const iterable = { [Symbol.iterator]: () => ({ next() { throw mine }, return() { throw new Error('again') } }) }
  await assert.rejects(processLargeDataset(iterable), (error) => error === mine)
})

test('what progress throws ends the work', async () => {
  const [source, seen] = endless()
  const progress = () => { throw new TypeError('no') }
  await assert.rejects(processLargeDataset(source, {}, { progress }), { name: 'TypeError', message: 'no' })
  assert.ok(seen.isLeft)
  await assert.rejects(processLargeDataset([{}], {}, { progress }), TypeError)
})

test('a source is left once it can change nothing any more', async () => {
  for (const [config, code] of [[{ by: 1 }, 'ERR_CONFIGURATION'], [{ strict: true }, 'ERR_MALFORMED']]) {
    const [source, seen] = endless()
    const broken = async function * () {
      yield 'none\n'
      yield * source
    }
    await assert.rejects(processLargeDataset(broken(), config), (error) => error instanceof LockgateError && error.code === code)
    await sleep(20)
    const { chunks } = seen
    await sleep(20)
    assert.equal(seen.chunks, chunks)
  }
})

test('bytes that are given away while they are read are missed', async () => {
  const bytes = new Uint8Array(64 << 20).fill(0x20)
  const answer = processLargeDataset(bytes, {}, { format: 'ndjson' })
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  await assert.rejects(answer, { code: 'ERR_INPUT', message: /detached/ })
})
