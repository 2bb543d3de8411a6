// The vectors that all bindings share, read in every way there is.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { processLargeDataset } from 'lockgate'

const CODES = { configuration: 'ERR_CONFIGURATION', malformed: 'ERR_MALFORMED' }
const FILE = join(tmpdir(), `lockgate-vector-${process.pid}`)

/** The text of a vector, as each kind of data. */
const WAYS = {
  'a path': (text) => {
    writeFileSync(FILE, text)
    return FILE
  },
  'bytes': (text) => Buffer.from(text),
  'a stream of a few bytes at once': async function * (text) {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
  },
  'a stream of texts': async function * (text) {
    yield * text.split(/(?<=\n)/)
  }
}

const vectors = readdirSync('vectors').filter((name) => name.endsWith('.json'))
assert.ok(vectors.length >= 15)

for (const name of vectors) {
  const { about, format, input, config, ...expected } = JSON.parse(readFileSync(join('vectors', name), 'utf8'))
  const options = { format: format === 'detect' ? undefined : format }
  for (const [way, dataOf] of Object.entries(WAYS)) {
    test(`${name}: ${about}: ${way}`, async () => {
      const answer = processLargeDataset(dataOf(input), config, options)
      if (expected.fails) {
        await assert.rejects(answer, { name: 'LockgateError', code: CODES[expected.fails] })
        return
      }
      const report = await answer
      assert.deepEqual(report.rows, expected.report)
      assert.deepEqual(report.toNDJSON().split('\n').slice(0, -1).map((line) => JSON.parse(line)), expected.report)
      assert.equal(report.counts.rows, expected.rows)
      assert.equal(report.counts.malformed, expected.malformed ?? 0)
      assert.equal(report.counts.timeless, expected.timeless ?? 0)
      assert.deepEqual(report.malformed.map(({ line }) => line), expected.malformed_lines ?? [])
    })
  }
}
