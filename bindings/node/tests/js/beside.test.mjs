// What goes on while data is read: the event loop, other jobs, workers, progress.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { performance } from 'node:perf_hooks'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import { processLargeDataset } from 'lockgate'
import { CHUNK, CHUNK_LINES, LARGE_LINES, large, largeFile, usage } from './data.mjs'

/** Does it, and tells how often a timer fired meanwhile, and what part of the time the event loop was busy. */
async function measured(work) {
  const before = performance.eventLoopUtilization()
  let ticks = 0
  const timer = setInterval(() => { ticks += 1 }, 5)
  const result = await work()
  clearInterval(timer)
  const { utilization } = performance.eventLoopUtilization(before)
  return { result, ticks, utilization }
}

test('a file is read beside the event loop', async () => {
  const file = largeFile()
  const { result, ticks, utilization } = await measured(() => processLargeDataset(file, {}, { threads: 1 }))
  assert.deepEqual(result.rows, usage(LARGE_LINES))
  assert.ok(ticks > 2, `${ticks} ticks`)
  assert.ok(utilization < 0.5, `${utilization} of the time busy`)
})

test('timers fire while bytes and rows are handed over', async () => {
  const bytes = large()
  const rows = Array.from({ length: 100_000 }, () => ({ user_id: 1, value: 2 }))
  for (const data of [bytes, rows, new Set(rows), new Set([bytes])]) {
    const { ticks } = await measured(() => processLargeDataset(data))
    assert.ok(ticks > 2, `${ticks} ticks`)
  }
})

test('many jobs at once each get their answer', async () => {
  const file = largeFile()
  const jobs = Array.from({ length: 40 }, (_, n) => {
    const rows = [{ user_id: n, value: n }]
    return [rows, Buffer.from(JSON.stringify(rows[0])), (async function * () { yield * rows })()][n % 3]
  })
  const [whole, ...reports] = await Promise.all([file, ...jobs].map((data) => processLargeDataset(data)))
  assert.deepEqual(whole.rows, usage(LARGE_LINES))
  reports.forEach(({ rows }, n) => assert.deepEqual(rows, [{ user_id: n, count: 1, total_value: n }]))
})

test('a stream may wait for what other jobs say', async () => {
  const chain = async function * (depth) {
    if (depth > 0) {
      const [{ total_value: value }] = (await processLargeDataset(chain(depth - 1))).rows
      yield { user_id: 1, value: value + 1 }
    } else {
      yield * (await processLargeDataset([{ user_id: 1, value: 0 }])).rows.map(() => ({ user_id: 1, value: 0 }))
    }
  }
  const { rows } = await processLargeDataset(chain(20))
  assert.deepEqual(rows, [{ user_id: 1, count: 1, total_value: 20 }])
})

test('a source waits while what it gave is not yet read', async () => {
  const CHUNKS = 1500
  let given = 0
  const source = async function * () {
    for (; given < CHUNKS; given++) yield CHUNK
  }
  const before = process.memoryUsage().rss
  let most = before
  const timer = setInterval(() => { most = Math.max(most, process.memoryUsage().rss) }, 5)
  const { rows } = await processLargeDataset(source(), {}, { threads: 1 })
  clearInterval(timer)
  assert.deepEqual(rows, usage(CHUNKS * CHUNK_LINES))
  assert.ok(most - before < 64 << 20, `${most - before} bytes more for ${given * CHUNK.length} bytes`)
})

test('progress is told until the end', async () => {
  const file = largeFile()
  const size = large().length
  const sources = [[file, size], [large(), size], [createReadStream(file), null], [[{}], null]]
  for (const [data, total] of sources) {
    const told = []
    const report = await processLargeDataset(data, {}, { threads: 1, progress: (progress) => told.push(progress) })
    const bytes = told.map((progress) => progress.bytes)
    assert.deepEqual(bytes, [...bytes].sort((a, b) => a - b))
    assert.deepEqual(told.at(-1), { bytes: report.counts.bytes, total })
  }
})

test('workers use it, and may be ended while it works', async () => {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { file: largeFile() } })
  const told = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  assert.deepEqual(told, [{ user_id: 7, count: 1, total_value: 1 }])
  // It is at it again, in a file and in a stream that never ends.
  assert.equal(await worker.terminate(), 1)
  const { rows } = await processLargeDataset(largeFile())
  assert.deepEqual(rows, usage(LARGE_LINES))
})

test('a worker that alone has loaded it may be ended while it works', async () => {
  const { status, stderr } = spawnSync(process.execPath, ['tests/alone.mjs', largeFile()], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
