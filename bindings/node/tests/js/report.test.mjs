// What a report holds.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Report, processLargeDataset } from 'lockgate'

const count = (text, config) => processLargeDataset(Buffer.from(text), config)

/** What becomes of a number that is grouped by. */
async function check(digits, expected) {
  const report = await count(`{"x":${digits}}\n`, { by: ['x'], measure: ['count'] })
  assert.deepEqual(report.rows, [{ x: expected, count: 1 }])
  assert.equal(report.toNDJSON(), `{"x":${digits},"count":1}\n`)
  assert.equal(report.toCSV(), `x,count\r\n${digits},1\r\n`)
}

test('numbers that JavaScript keeps are numbers', async () => {
  for (const digits of ['0', '-1', '0.1', '-0.000001', '9007199254740991', '-9007199254740991', '1234567890.123456', '99999999999.5']) {
    await check(digits, Number(digits))
  }
})

test('numbers that JavaScript would round are their digits', async () => {
  for (const digits of ['9007199254740992', '-9007199254740993', '12345678901234567890', '9007199254740993.5', '123456789012345.123456']) {
    await check(digits, digits)
  }
})

test('what looks like a number within a text stays as it is', async () => {
  const texts = ['12345678901234567890', 'a "12345678901234567890" b', '\\', '12345678901234567890\\"', 'line\nfeed 9007199254740993.5']
  const report = await processLargeDataset(texts.map((x) => ({ x })), { by: ['x'], measure: ['count', 'max(n)'] })
  assert.deepEqual(report.rows.map(({ x }) => x), [...texts].sort())
})

test('lists hold exact numbers, too', async () => {
  const lines = '{"x":9007199254740993}\n{"x":9007199254740993}\n{"x":1}\n'
  const report = await count(lines, { by: [], measure: ['top2(x)', 'histogram(x)'] })
  const [{ 'top2(x)': top, 'histogram(x)': bars }] = report.rows
  assert.deepEqual(top, [{ value: '9007199254740993', count: 2 }, { value: 1, count: 1 }])
  assert.equal(bars.reduce((sum, bar) => sum + bar.count, 0), 3)
})

test('rows are made once, and one after the other', async () => {
  const report = await count('{"user_id":"ü","value":2}\n{"user_id":"a"}\n', {})
  assert.ok(report instanceof Report)
  assert.deepEqual(report.columns, ['user_id', 'count', 'total_value'])
  const expected = [{ user_id: 'ü', count: 1, total_value: 2 }, { user_id: 'a', count: 0, total_value: 0 }]
  assert.deepEqual([...report], expected)
  assert.deepEqual(report.rows, expected)
  assert.equal(report.rows, report.rows)
  assert.equal([...report][0], report.rows[0])
  assert.deepEqual(JSON.parse(JSON.stringify({ report })), { report: expected })
  assert.equal(report.toCSV(), 'user_id,count,total_value\r\nü,1,2\r\na,0,0\r\n')
})

test('a report of many rows has all of them', async () => {
  const groups = 150_000
  const rows = Array.from({ length: groups }, (_, n) => ({ user_id: `user-${n}-ü`, value: n }))
  const report = await processLargeDataset(rows)
  let seen = 0
  for (const { user_id: user, total_value: value } of report) {
    assert.equal(user, `user-${value}-ü`)
    seen += 1
  }
  assert.deepEqual([seen, report.rows.length], [groups, groups])
})

test('malformed lines are counted, and the first ten told', async () => {
  const report = await count(`{"user_id":1,"value":1}\n${'none\n'.repeat(12)}`, {})
  assert.equal(report.counts.malformed, 12)
  assert.equal(report.malformed.length, 10)
  assert.deepEqual(report.malformed[0], { input: 'data', line: 2, what: 'not a JSON object' })
})
