// What the programs of make compat share: steady work while the primary is killed, and what is told of it.
//
// A program does its usual work, and then calls run. It prints "ready KEY", works until a line on standard input says
// that the primary has been replaced, works on a little, reads everything back, and prints a line of JSON.
'use strict'

const assert = require('node:assert')
const { setTimeout: sleep } = require('node:timers/promises')

const BEFORE = 50, AFTER = 100, PAUSE = 10

const at = process.argv[2].lastIndexOf(':')
const host = process.argv[2].slice(0, at)
const port = Number(process.argv[2].slice(at + 1))
const errors = {}

// tls is what a library gives to Node's tls.connect; undefined without TLS.
const tls = process.env.EVERGATE_CA && { ca: require('node:fs').readFileSync(process.env.EVERGATE_CA) }

const same = (got, want) => assert.deepStrictEqual(got, want)

async function until(what, condition, times = 1500) {
  for (let i = 0; i < times; i++) {
    const got = await condition()
    if (got) return got
    await sleep(10)
  }
  throw new Error(`asked ${times} times for ${what}`)
}

function note(error) {
  const text = String(error).slice(0, 300)
  errors[text] = (errors[text] || 0) + 1
}

// versionOf is what was installed; some packages do not export their package.json.
function versionOf(name) {
  const file = require('node:path').join(process.env.NODE_PATH, name, 'package.json')
  return JSON.parse(require('node:fs').readFileSync(file)).version
}

// run writes numbers until told, and reads them back: readAll is given the acknowledged ones and gives those found.
async function run({ library, ran, key, write, readAll, settings = '' }) {
  let told = false
  process.stdin.once('data', () => { told = true })
  const acknowledged = []
  let tried = 0
  for (let left = AFTER; left > 0; tried++) {
    try {
      await write(tried)
      acknowledged.push(tried)
    } catch (error) {
      note(error)
    }
    if (tried === BEFORE) console.log('ready ' + key)
    if (told) left--
    await sleep(PAUSE)
  }
  const found = new Map()
  for (const number of await readAll(acknowledged)) found.set(Number(number), (found.get(Number(number)) || 0) + 1)
  console.log(JSON.stringify({
    library, version: versionOf(library), ran, settings, operations: tried, acknowledged: acknowledged.length,
    missing: acknowledged.filter((number) => !found.has(number)).length,
    twice: [...found.values()].filter((times) => times > 1).length, errors
  }))
  process.exit(0)
}

module.exports = { host, port, tls, same, sleep, until, note, run }
