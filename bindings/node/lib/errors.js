'use strict'
// What goes wrong, as one class with a code for each kind.

class LockgateError extends Error {
  /**
   * @param {string} code what kind of error it is
   * @param {string} message what went wrong, and why
   * @param {{ input: string, line: number, what: string }} [place] where the malformed line is
   */
  constructor(code, message, place) {
    super(message)
    this.code = code
    if (place) this.place = place
  }
}
Object.defineProperty(LockgateError.prototype, 'name', { value: 'LockgateError' })

/** What Node's own functions reject with when their signal is aborted. */
function abortError(signal) {
  const error = new Error('The operation was aborted', { cause: signal.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}

/** An argument that is of no use. */
function argumentError(message) {
  return new LockgateError('ERR_ARGUMENT', message)
}

module.exports = { LockgateError, abortError, argumentError }
