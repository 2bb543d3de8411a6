'use strict'
// Builds the library and puts it where index.js looks for it: `npm run build`, or with more words for Cargo, `npm run build -- --offline`.

const { spawnSync } = require('node:child_process')
const { copyFileSync, renameSync } = require('node:fs')
const { join } = require('node:path')

const KINDS = ['.so', '.dylib', '.dll']
const words = ['build', '--release', '-p', 'lockgate-node', '--message-format=json-render-diagnostics', ...process.argv.slice(2)]
const options = { cwd: __dirname, encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['inherit', 'pipe', 'inherit'] }
const cargo = spawnSync(process.env.CARGO ?? 'cargo', words, options)
if (cargo.error) fail(`cargo cannot be started: ${cargo.error.message}`)
if (cargo.status !== 0) fail('cargo has failed')

const messages = cargo.stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
const made = messages.filter(({ target }) => target?.name === 'lockgate_node').flatMap(({ filenames }) => filenames ?? [])
const library = made.find((file) => KINDS.some((kind) => file.endsWith(kind)))
if (!library) fail('cargo has made no library')
// A program that has loaded the one before keeps it.
const place = join(__dirname, 'index.node')
copyFileSync(library, `${place}.new`)
renameSync(`${place}.new`, place)
console.log(place)

function fail(what) {
  console.error(what)
  process.exit(1)
}
