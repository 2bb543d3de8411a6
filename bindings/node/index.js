'use strict'
// The one function: what there is to read goes to the threads of the library, and what they answer becomes a report or an error.

const { types } = require('node:util')
const { LockgateError, abortError } = require('./lib/errors.js')
const native = require('./lib/native.js')
const { checkedOptions } = require('./lib/options.js')
const { Report } = require('./lib/report.js')
const { handOver, sourceOf } = require('./lib/source.js')
const { inTurn } = require('./lib/turns.js')

/** Time between two calls of `progress`. */
const PROGRESS_EVERY_MS = 100

async function processLargeDataset(data, config, options) {
  const checked = checkedOptions(options ?? {})
  const question = questionOf(config ?? {})
  const source = sourceOf(data)
  const work = () => answer(source, question, checked)
  try {
    if (checked.signal?.aborted) throw abortError(checked.signal)
    // A stream may depend on another one: it must not stand in line behind it.
    return await (source.isReady ? inTurn(work, checked.signal) : work())
  } finally {
    // Also where it never came to its turn.
    if (!source.isWhole) source.leave()
  }
}

/** The configuration as JSON: the library reads it. */
function questionOf(config) {
  try {
    return JSON.stringify(config) ?? 'null'
  } catch (error) {
    throw new LockgateError('ERR_CONFIGURATION', `the configuration is no JSON object: ${error.message}`)
  }
}

async function answer(source, question, { format, progress, signal, threads = source.threads ?? 0 }) {
  const job = new Job(source, native.start(question, format, threads, source.paths))
  const onAbort = () => job.stop(abortError(signal))
  signal?.addEventListener('abort', onAbort)
  // It may have been while it stood in line.
  if (signal?.aborted) onAbort()
  const timer = progress && setInterval(() => job.tell(progress), PROGRESS_EVERY_MS)
  try {
    const answered = await job.answered()
    progress?.(job.progress)
    return new Report(answered)
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', onAbort)
    job.leave()
  }
}

/** A job of the library, with the source that it reads. */
class Job {
  #source
  #native
  #done
  /** Rejects when it is to end before its end. */
  #stopped
  #reject
  #isLeft = false

  constructor(source, { job, done }) {
    this.#source = source
    this.#native = job
    this.#done = done
    this.#stopped = new Promise((_, reject) => { this.#reject = reject })
  }

  async answered() {
    if (this.#source.items) this.#handOver().catch((error) => this.stop(error))
    // A thread that waits for a pipe does not hear that it is to end: nobody waits for it.
    const { failure, ...answer } = await Promise.race([this.#stopped, this.#done])
    if (!failure) return answer
    const { code, message, place } = JSON.parse(failure)
    throw new LockgateError(code, message, place)
  }

  async #handOver() {
    const push = (bytes) => native.push(this.#native, types.isSharedArrayBuffer(bytes.buffer) ? bytes.slice() : bytes)
    await handOver(this.#source.items, push, () => this.#isLeft)
    this.#source.isWhole = !this.#isLeft
    native.end(this.#native)
  }

  /** Ends it, for this reason; its threads hear of it soon. */
  stop(error) {
    this.#reject(error)
    native.interrupt(this.#native)
  }

  get progress() {
    const { bytes, total } = native.progress(this.#native)
    return { bytes, total: total ?? this.#source.total ?? null }
  }

  /** Tells how far it is; what goes wrong then ends it. */
  tell(progress) {
    try {
      progress(this.progress)
    } catch (error) {
      this.stop(error)
    }
  }

  /** No more is wanted. */
  leave() {
    this.#isLeft = true
    native.leave(this.#native)
  }
}

module.exports = { LockgateError, Report, processLargeDataset }
