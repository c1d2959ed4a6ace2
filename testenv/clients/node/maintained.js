// node-redis with default settings while a primary fails over or gateways restart: maintained.js HOST:PORT CONNECTIONS
// on|off [cluster]. See ../python/maintained.py.
'use strict'

const { createClient, createCluster } = require('redis')
const { setTimeout: sleep } = require('node:timers/promises')

const sockets = process.argv[2].split(',').map((address) => {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) }
})
const connections = Number(process.argv[3])
const settings = process.argv[4] === 'off' ? { maintNotifications: 'disabled' } : {}
const isCluster = process.argv[5] === 'cluster'

let stopped = false
let operations = 0
let longest = 0
const errors = {}

function note(error) {
  const text = String(error).slice(0, 200)
  errors[text] = (errors[text] || 0) + 1
}

async function connect() {
  const client = isCluster
    ? createCluster({ rootNodes: sockets.map((socket) => ({ socket })), defaults: settings })
    : createClient({ socket: sockets[0], ...settings })
  client.on('error', () => {}) // it reconnects; what an operation says counts
  await client.connect()
  return client
}

async function work(number, client, ready) {
  while (!stopped) {
    for (const operation of [() => client.incr('n' + number), () => client.get('n' + number)]) {
      const began = performance.now()
      try {
        await operation()
      } catch (error) {
        note(error)
      }
      operations++
      longest = Math.max(longest, performance.now() - began)
      ready()
      await sleep(connections)
    }
  }
}

async function main() {
  const begun = []
  const all = []
  const clients = []
  for (let number = 0; number < connections; number++) {
    if (!isCluster || number % 10 === 0) clients.push(await connect())
    const client = clients[clients.length - 1]
    begun.push(new Promise((resolve) => { all.push(work(number, client, resolve)) }))
  }
  await Promise.all(begun)
  console.log('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  stopped = true
  await Promise.all(all)
  const file = require('node:path').join(process.env.NODE_PATH, 'redis', 'package.json')
  const version = JSON.parse(require('node:fs').readFileSync(file)).version
  console.log(JSON.stringify({ library: 'node-redis', version, operations, errors, longest: Math.round(longest) }))
  process.exit(0)
}

main()
