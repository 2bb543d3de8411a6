// Ends workers while they work; nobody else has loaded the package, so that Node lets go of it with each.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

for (let n = 0; n < 3; n++) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { file: process.argv[2] } })
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
}
await sleep(100)
