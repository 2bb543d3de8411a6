// A worker that tells what a small job says, and then never ends.
import { parentPort, workerData } from 'node:worker_threads'
import { processLargeDataset } from 'lockgate'
import { CHUNK } from './data.mjs'

const { rows } = await processLargeDataset([{ user_id: 7, value: 1 }])
const endless = async function * () {
  for (;;) yield CHUNK
}
const jobs = [processLargeDataset(workerData.file), processLargeDataset(endless())]
parentPort.postMessage(rows)
await Promise.all(jobs)
