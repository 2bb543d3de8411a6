// Everything that can be read.
import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { processLargeDataset } from 'lockgate'

const BY_STATUS = { by: ['status'], measure: ['count'] }
const FILES = readdirSync('files').map((name) => join('files', name))
const LINES = '{"user_id":1,"value":2}\n{"user_id":2,"value":0.5}\n{"user_id":1,"value":1}\n'
const ROWS = LINES.trim().split('\n').map((line) => JSON.parse(line))
const USAGE = [{ user_id: 1, count: 2, total_value: 3 }, { user_id: 2, count: 1, total_value: 0.5 }]

async function check(data, config = {}, expected = USAGE, options = {}) {
  const report = await processLargeDataset(data, config, options)
  assert.deepEqual(report.rows, expected)
  assert.equal(report.counts.malformed, 0)
  return report
}

function folder() {
  return mkdtempSync(join(tmpdir(), 'lockgate-'))
}

assert.equal(FILES.length, 6)
for (const file of FILES) {
  const expected = [{ status: 200, count: 2700 }, { status: 503, count: 300 }]
  test(`${file} says the same as a path, as bytes and as a stream`, async () => {
    await check(file, BY_STATUS, expected)
    await check(readFileSync(file), BY_STATUS, expected)
    await check(createReadStream(file), BY_STATUS, expected)
    await check(createReadStream(file, { highWaterMark: 999 }), BY_STATUS, expected)
    await check(createReadStream(file), BY_STATUS, expected, { threads: 1 })
  })
}

test('a folder, a pattern, a URL and several paths mean files', async () => {
  const all = FILES.length * 3000
  const everything = { by: [], measure: ['count'] }
  await check('files/*', everything, [{ count: all }])
  await check(new URL(`${pathToFileURL(resolve('files'))}/events.csv`), everything, [{ count: 3000 }])
  const report = await check(['files/events.csv', pathToFileURL('files/access.log')], everything, [{ count: 6000 }])
  assert.deepEqual(report.counts, { lines: 6001, rows: 6000, malformed: 0, timeless: 0, bytes: report.counts.bytes })
  // Names of a folder's files must say what they are: zstd of `access.log.2` does.
  await check('files', everything, [{ count: all }])
})

test('a path that is one dash is a file', async () => {
  const place = folder()
  writeFileSync(join(place, '-'), LINES)
  const before = process.cwd()
  process.chdir(place)
  try {
    await check('-')
  } finally {
    process.chdir(before)
  }
})

test('nothing says nothing', async () => {
  for (const data of [new Uint8Array(0), [], new Set(), Readable.from([])]) await check(data, {}, [])
})

test('bytes may be any view of any memory', async () => {
  // Texts of an even length, so that wider elements fit.
  const text = Buffer.from(`${LINES}\n`.slice(0, LINES.length + LINES.length % 2))
  const memory = new ArrayBuffer(text.length + 8)
  const bytes = new Uint8Array(memory, 8)
  bytes.set(text)
  await check(bytes)
  await check(memory.slice(8))
  await check(new DataView(memory, 8))
  await check(new Uint16Array(memory, 8))
  const shared = new SharedArrayBuffer(text.length)
  new Uint8Array(shared).set(text)
  await check(shared)
  await check(new Uint8Array(shared))
  await check([new Uint8Array(shared)])
})

test('rows are taken from arrays, iterables and streams', async () => {
  await check(ROWS)
  await check(new Set(ROWS))
  await check(Readable.from(ROWS))
  await check((async function * () { yield * ROWS })())
  await check(Readable.toWeb(Readable.from(ROWS)))
})

test('texts and bytes are cut wherever they like', async () => {
  const cut = LINES.match(/[^]{1,5}/g)
  await check(Readable.from(cut))
  await check(Readable.from(cut.map((text) => Buffer.from(text))))
  await check(Readable.from(cut.map((text, at) => at % 2 ? Buffer.from(text) : text)))
  await check(cut.values())
  await check(Readable.toWeb(Readable.from([Buffer.from(LINES)])))
  await check(new Blob([LINES]).stream())
  await check([Buffer.from(LINES.slice(0, 30)), Buffer.from(LINES.slice(30))])
})

test('a character may be cut between two texts', async () => {
  const long = 'x'.repeat(1 << 18)
  const [first, second] = '😀'.split('')
  const user = (text) => [{ user_id: text, count: 1 }]
  const config = { measure: ['count'] }
  const start = `{"user_id":"${long}`
  await check([`${start}${first}`, `${second}"}\n`].values(), config, user(`${long}😀`))
  await check([`${start}${first}`, '', `${second}"}\n`].values(), config, user(`${long}😀`))
  // A half alone is no character.
  await check([`${start}${first}`, '"}\n'].values(), config, user(`${long}\ufffd`))
  await check([`${start}${first}`, Buffer.from('"}\n')].values(), config, user(`${long}\ufffd`))
})

test('rows are written as JSON writes them', async () => {
  const at = new Date('2026-11-21T10:04:00Z')
  const rows = [{ at, n: 1, gone: undefined }, { at, n: NaN }, { at, n: 0.1 }, { at, n: 2, user: { toJSON: () => 'Ü' } }]
  const config = { by: ['user'], measure: ['count(n)', 'sum(n)'], every: '5m', time_field: 'at' }
  const ts = '2026-11-21T10:00:00.000000Z'
  await check(rows, config, [
    { at: ts, user: null, 'count(n)': 2, 'sum(n)': 1.1 },
    { at: ts, user: 'Ü', 'count(n)': 1, 'sum(n)': 2 }
  ])
})

test('large data comes whole, however it comes', async () => {
  const count = 60_000
  const rows = Array.from({ length: count }, (_, n) => ({ user_id: n % 3, value: n }))
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const bytes = Buffer.from(text)
  assert.ok(bytes.length > 1 << 20)
  const config = { by: [], measure: ['count', 'sum(value)'] }
  const expected = [{ count, 'sum(value)': count * (count - 1) / 2 }]
  for (const data of [rows, bytes, [bytes], Readable.from([text]), Readable.from(rows), new Set([bytes.subarray(0, 1e6), bytes.subarray(1e6)])]) {
    const { counts } = await check(data, config, expected)
    assert.equal(counts.bytes, bytes.length)
  }
})

test('what is said to be of a format is read as that', async () => {
  await check(Buffer.from('user_id\n1\n'), { measure: ['count'] }, [{ user_id: 1, count: 1 }], { format: 'csv' })
  const { counts } = await processLargeDataset(Buffer.from('user_id,value\n1,2\n'), {}, { format: 'ndjson' })
  assert.deepEqual([counts.rows, counts.malformed], [0, 2])
})
