// Aborts the reading of pipes that say nothing: neither the calls behind them nor the end of this program wait for their threads.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { constants, mkdtempSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processLargeDataset } from 'lockgate'

const folder = mkdtempSync(join(tmpdir(), 'lockgate-'))
const [held, unheld] = ['held', 'unheld'].map((name) => join(folder, `${name}.ndjson`))
assert.equal(spawnSync('mkfifo', [held, unheld]).status, 0)
// It can be opened and then read without end; the other one cannot even be opened.
openSync(held, constants.O_RDWR)

for (const pipe of [held, unheld]) {
  const silent = Array.from({ length: 4 }, () => {
    const controller = new AbortController()
    return processLargeDataset(pipe, {}, { signal: controller.signal, progress: () => controller.abort() })
  })
  const behind = processLargeDataset([{ user_id: 1 }])
  for (const { reason } of await Promise.allSettled(silent)) assert.equal(reason?.name, 'AbortError')
  assert.equal((await behind).counts.rows, 1)
}
