// Inputs that are damaged, hostile or none; questions and options that are wrong.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { LockgateError, processLargeDataset } from 'lockgate'

async function refused(code, message, ...call) {
  await assert.rejects(processLargeDataset(...call), (error) => {
    assert.ok(error instanceof LockgateError && error instanceof Error, String(error))
    assert.equal(error.name, 'LockgateError')
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

test('a configuration that is wrong is refused', async () => {
  await refused('ERR_CONFIGURATION', /unknown field `group`/, [], { group: ['a'] })
  await refused('ERR_CONFIGURATION', /expected a sequence/, [], { by: 'user_id' })
  await refused('ERR_CONFIGURATION', /`measure`/, [], { measure: ['total(value)'] })
  await refused('ERR_CONFIGURATION', /`where`/, [], { where: 'status >=' })
  await refused('ERR_CONFIGURATION', /no JSON object/, [], [])
  await refused('ERR_CONFIGURATION', /no JSON object/, [], 'by')
  await refused('ERR_CONFIGURATION', /no JSON object/, [], () => {})
  await refused('ERR_CONFIGURATION', /BigInt/, [], { by: 1n })
})

test('options that are wrong are refused', async () => {
  await refused('ERR_ARGUMENT', /`options` is no object/, [], {}, 5)
  await refused('ERR_ARGUMENT', /`options.colour` is unknown/, [], {}, { colour: 1 })
  await refused('ERR_ARGUMENT', /`options.toString` is unknown/, [], {}, { toString: 1 })
  await refused('ERR_ARGUMENT', /`options.format` is not one of ndjson/, [], {}, { format: 'xml' })
  await refused('ERR_ARGUMENT', /`options.progress` is not a function/, [], {}, { progress: 1 })
  await refused('ERR_ARGUMENT', /`options.signal` is not an AbortSignal/, [], {}, { signal: {} })
  for (const threads of [0, 1.5, -1, 1025, '2', NaN]) {
    await refused('ERR_ARGUMENT', /`options.threads` is not a whole number/, [], {}, { threads })
  }
})

test('data that is none is refused', async () => {
  for (const data of [undefined, null, 5, true, {}, () => {}, Symbol('a')]) {
    await refused('ERR_ARGUMENT', /`data` is no path/, data)
  }
  await refused('ERR_ARGUMENT', /`http:\/\/a\/` is no file/, new URL('http://a/'))
  await refused('ERR_ARGUMENT', /paths and of something else/, ['a.log', {}])
  await refused('ERR_ARGUMENT', /among each other/, new Set(['a', {}]))
  await refused('ERR_ARGUMENT', /among each other/, [{}, Buffer.from('{}')])
  await refused('ERR_ARGUMENT', /no row, no text and no bytes: number/, [1])
  await refused('ERR_ARGUMENT', /no row, no text and no bytes: object/, [null])
  await refused('ERR_INPUT', /row 1 cannot be written as JSON: .*BigInt/, [{}, { a: 1n }])
})

test('what cannot be found or read is named', async () => {
  await refused('ERR_INPUT', /nothing is found at `\/nowhere`/, '/nowhere')
  await refused('ERR_INPUT', /nothing is found at `no\*thing`/, ['files/events.csv', 'no*thing'])
  await refused('ERR_INPUT', /holds no file/, mkdtempSync(join(tmpdir(), 'lockgate-')))
  await refused('ERR_INPUT', /.*/, 'a\0b')
  await refused('ERR_INPUT', /.*/, '')
})

test('what is of no known format is named', async () => {
  await refused('ERR_FORMAT', /`data` is neither/, Buffer.from('hello\nthere\n'))
  await refused('ERR_FORMAT', /`data` is neither/, Buffer.from([0, 1, 2, 3]))
  await refused('ERR_FORMAT', /`data` is neither/, [Buffer.alloc(8 << 20)])
})

test('a malformed line is told with its place', async () => {
  await assert.rejects(processLargeDataset(Buffer.from('{}\nnone\n'), { strict: true }), {
    code: 'ERR_MALFORMED',
    message: '`data`, line 2: not a JSON object',
    place: { input: 'data', line: 2, what: 'not a JSON object' }
  })
})

test('input that is cut off or damaged fails or is counted', async () => {
  const whole = gzipSync(Buffer.alloc(1 << 20, '{"user_id":1}\n'))
  await refused('ERR_INPUT', /reading `data`/, whole.subarray(0, -20))
  const damaged = Buffer.from(whole)
  damaged[whole.length >> 1] ^= 0xff
  await refused('ERR_INPUT', /reading `data`/, damaged)
  const segment = readFileSync('files/events.segment')
  const { counts } = await processLargeDataset(segment.subarray(0, segment.length >> 1), { by: [] })
  assert.ok(counts.rows > 0 && counts.rows < 3000)
  const { counts: text } = await processLargeDataset(Buffer.from('{"user_id":1}\n\xff\xfe{"a\n{"user_id":', 'latin1'))
  assert.deepEqual([text.rows, text.malformed], [1, 2])
})

test('hostile input takes no memory', async () => {
  const bomb = gzipSync(Buffer.alloc(256 << 20, `${' '.repeat(1023)}\n`))
  assert.ok(bomb.length < 1 << 20)
  gc()
  const before = process.memoryUsage().rss
  assert.equal((await processLargeDataset(bomb, {}, { format: 'ndjson' })).counts.lines, 256 << 10)
  const deep = '['.repeat(1 << 20)
  assert.equal((await processLargeDataset(Buffer.from(`{"a":${deep}\n{}\n`))).counts.malformed, 1)
  const long = async function * () {
    for (let n = 0; n < 40; n++) yield Buffer.alloc(1 << 20, 'a')
    yield '\n{"user_id":1}\n'
  }
  const { counts } = await processLargeDataset(long(), {}, { format: 'ndjson' })
  assert.deepEqual([counts.rows, counts.malformed], [1, 1])
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 150 << 20, `${grown} bytes`)
})

test('a package that is not built says how to', () => {
  const place = join(mkdtempSync(join(tmpdir(), 'lockgate-')), 'lockgate')
  cpSync('node_modules/lockgate', place, { recursive: true })
  rmSync(join(place, 'index.node'))
  assert.throws(() => createRequire(import.meta.url)(place), { code: 'ERR_NOT_BUILT', message: /npm run build/ })
})
