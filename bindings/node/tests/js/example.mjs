// What answers take how long, and how many there are: node example.mjs 'logs/*.log*'
import { processLargeDataset } from 'lockgate'

const report = await processLargeDataset(process.argv[2], {
  by: ['status'],
  measure: ['count', 'sum(bytes_out)'],
  where: 'method = GET'
})
console.table(report.rows)
console.log(`${report.counts.rows} rows, ${report.counts.malformed} malformed`)
