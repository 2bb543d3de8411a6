'use strict'
// The third argument: how it is read, and what is told meanwhile.

const { argumentError } = require('./errors.js')

const FORMATS = ['ndjson', 'csv', 'combined', 'segment']
const THREADS_MAX = 1024

/** What each option may be, and whether a value is that. */
const KNOWN = {
  format: [`one of ${FORMATS.join(', ')}`, (value) => FORMATS.includes(value)],
  progress: ['a function', (value) => typeof value === 'function'],
  signal: ['an AbortSignal', (value) => value instanceof AbortSignal],
  threads: [`a whole number from 1 to ${THREADS_MAX}`, (value) => Number.isInteger(value) && value >= 1 && value <= THREADS_MAX]
}

/** The options that are said. */
function checkedOptions(options) {
  if (typeof options !== 'object' || options === null) throw argumentError('`options` is no object')
  const said = Object.entries(options).filter(([, value]) => value !== undefined)
  for (const [name, value] of said) {
    if (!Object.hasOwn(KNOWN, name)) throw argumentError(`\`options.${name}\` is unknown`)
    const [what, is] = KNOWN[name]
    if (!is(value)) throw argumentError(`\`options.${name}\` is not ${what}`)
  }
  return Object.fromEntries(said)
}

module.exports = { checkedOptions }
