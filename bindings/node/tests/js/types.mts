// What a program in TypeScript may write, and what it may not: compiled, never run.
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { LockgateError, Report, processLargeDataset } from 'lockgate'
import type { Config, Counts, Format, Options, Place, Progress, Row, Value } from 'lockgate'

const config: Config = { by: ['route'], measure: ['count'], where: 'status >= 500', every: '5m', time_field: 'ts', strict: true }
const format: Format = 'ndjson'
const options: Options = {
  format,
  progress: ({ bytes, total }: Progress) => { console.log(total === null ? bytes : bytes / total) },
  signal: AbortSignal.timeout(1000),
  threads: 2
}

const report: Report = await processLargeDataset('access.log', config, options)
const rows: Row[] = report.rows
const value: Value | undefined = rows[0]?.['count']
if (Array.isArray(value)) for (const item of value) console.log(item.count)
for (const row of report) console.log(row['route'])
const texts: string[] = [...report.columns, report.toCSV(), report.toNDJSON()]
const counts: Counts = report.counts
const places: Place[] = report.malformed
const copied: Row[] = report.toJSON()
console.log(texts, counts.lines + counts.rows + counts.malformed + counts.timeless + counts.bytes, places[0]?.line, copied)

await processLargeDataset(new URL('file:///a'))
await processLargeDataset(['a', new URL('file:///b')], null, null)
await processLargeDataset(Buffer.from(''))
await processLargeDataset(new Uint8Array(1))
await processLargeDataset(new ArrayBuffer(1))
await processLargeDataset(new SharedArrayBuffer(1))
await processLargeDataset([Buffer.from('')])
await processLargeDataset([{ user_id: 1, at: new Date() }])
await processLargeDataset(createReadStream('a'))
await processLargeDataset(Readable.toWeb(createReadStream('a')))
await processLargeDataset(new Blob([]).stream())
await processLargeDataset((async function * () { yield 'text' })())
await processLargeDataset(new Set([{ user_id: 1 }]))

interface Usage { route: string, count: number }
const typed: Report<Usage> = await processLargeDataset<Usage>('access.log')
const total: number = typed.rows.reduce((sum, { count }) => sum + count, 0)
console.log(total)

processLargeDataset('a').catch((error: unknown) => {
  if (error instanceof LockgateError && error.code === 'ERR_MALFORMED') console.log(error.place?.line)
})

// @ts-expect-error a number is no data
await processLargeDataset(5)
// @ts-expect-error fields are a list
await processLargeDataset('a', { by: 'route' })
// @ts-expect-error a key that is unknown
await processLargeDataset('a', { group: ['route'] })
// @ts-expect-error a format that is unknown
await processLargeDataset('a', {}, { format: 'xml' })
// @ts-expect-error the code is one of a few
export const isOther = (error: LockgateError): boolean => error.code === 'ERR_OTHER'
// @ts-expect-error a report is not made by programs
console.log(new Report())
// @ts-expect-error what is read stays as it is
report.columns = []
