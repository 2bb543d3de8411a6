'use strict'
// index.node, which `npm run build` makes.

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { LockgateError } = require('./errors.js')

const place = join(__dirname, '..', 'index.node')
if (!existsSync(place)) {
  throw new LockgateError('ERR_NOT_BUILT', `${place} is missing: \`npm run build\` in that folder makes it`)
}
module.exports = require(place)
