'use strict'
// The answer to a question: rows that are made when they are asked for, from the exact text.

/** Bytes of rows that are made objects at once. */
const PIECE_BYTES = 1 << 20
const NEWLINE = 10
/** Only a text with so many digits can hold a number that JavaScript would round. */
const SUSPECT = /\d[\d.]{15}/
/** Strings and numbers of JSON as it is written here. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?/g

class Report {
  #ndjson
  #csv
  #rows

  /** @param {{ summary: string, ndjson: Buffer, csv: Buffer }} answer */
  constructor({ summary, ndjson, csv }) {
    const { columns, counts, malformed } = JSON.parse(summary)
    this.columns = columns
    this.counts = counts
    this.malformed = malformed
    this.#ndjson = ndjson
    this.#csv = csv
  }

  get rows() {
    this.#rows ??= [...this.#made()]
    return this.#rows
  }

  [Symbol.iterator]() {
    return (this.#rows ?? this.#made())[Symbol.iterator]()
  }

  * #made() {
    for (let start = 0; start < this.#ndjson.length;) {
      const last = Math.min(start + PIECE_BYTES, this.#ndjson.length) - 1
      const end = this.#ndjson.indexOf(NEWLINE, last)
      yield * rowsOf(this.#ndjson.toString('utf8', start, end))
      start = end + 1
    }
  }

  toJSON() {
    return this.rows
  }

  toNDJSON() {
    return this.#ndjson.toString()
  }

  toCSV() {
    return this.#csv.toString()
  }
}

/** The objects on lines of JSON. A newline within a text is written as `\n` there. */
function rowsOf(lines) {
  const exact = SUSPECT.test(lines) ? lines.replace(TOKENS, (token) => isKept(token) ? token : `"${token}"`) : lines
  return JSON.parse(`[${exact.replaceAll('\n', ',')}]`)
}

/** Whether a token comes through JavaScript's numbers as it is. */
function isKept(token) {
  if (token.startsWith('"')) return true
  const number = Number(token)
  return token.includes('.') ? String(number) === token : Number.isSafeInteger(number)
}

module.exports = { Report }
