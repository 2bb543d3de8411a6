'use strict'
// A line to stand in: each job takes all cores, and opens files.

const { abortError } = require('./errors.js')

/** Jobs that are done at once. */
const AT_ONCE = 4
let running = 0
/** Called when it is their turn: first come, first served. */
const waiting = []

/**
 * Does the work when it is its turn; a signal that is aborted before takes it out of the line.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {AbortSignal} [signal]
 */
async function inTurn(work, signal) {
  if (running === AT_ONCE) await turn(signal)
  else running += 1
  try {
    return await work()
  } finally {
    // The next one has this one's place.
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}

function turn(signal) {
  return new Promise((resolve, reject) => {
    const take = () => {
      signal?.removeEventListener('abort', leave)
      resolve()
    }
    const leave = () => {
      waiting.splice(waiting.indexOf(take), 1)
      reject(abortError(signal))
    }
    waiting.push(take)
    signal?.addEventListener('abort', leave, { once: true })
  })
}

module.exports = { inTurn }
