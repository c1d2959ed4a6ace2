'use strict'

const { createClient, defineScript } = require('redis')
const { host, port, tls, same, until, note, run } = require('./steady')

const append = defineScript({
  SCRIPT: "return redis.call('GET', KEYS[1]) .. ARGV[1]",
  NUMBER_OF_KEYS: 1,
  parseCommand (parser, key, text) {
    parser.pushKey(key)
    parser.push(text)
  },
  transformReply: (reply) => reply
})

async function connect(client) {
  client.on('error', note)
  return client.connect()
}

async function main() {
  const client = await connect(createClient({ socket: { host, port, ...(tls && { tls: true, ...tls }) }, scripts: { append1: append } }))
  const listener = await connect(client.duplicate())

  same(await client.set('{compat}:text', 'value', { EX: 100 }), 'OK')
  same(await client.get('{compat}:text'), 'value')
  same(await client.incrBy('{compat}:number', 42), 42)

  same(await Promise.all([client.get('{compat}:text'), client.incr('other'), client.get('none')]), ['value', 1, null])
  same(await client.multi().set('{compat}:number', 43).get('{compat}:number').exec(), ['OK', '43'])

  same(await client.append1('{compat}:text', '!'), 'value!')
  same(await client.append1('{compat}:text', '?'), 'value?')

  const blocked = await connect(client.duplicate())
  const popped = blocked.blPop('{compat}:queue', 5)
  await client.lPush('{compat}:queue', 'job')
  same({ ...await popped }, { key: '{compat}:queue', element: 'job' })

  const heard = []
  await listener.subscribe('news', (text) => heard.push(text))
  same(await client.publish('news', 'first'), 1)
  await until('the message', () => heard.includes('first'))

  const keys = []
  for await (const some of client.scanIterator({ MATCH: '{compat}:t*' })) keys.push(...some)
  same(keys, ['{compat}:text'])

  await run({
    library: 'redis',
    ran: ['strings', 'pipeline', 'MULTI', 'EVALSHA', 'BLPOP', 'pub/sub, over the switch', 'SCAN'],
    key: '{compat}:list',
    write: async (number) => {
      await client.rPush('{compat}:list', String(number))
      await client.lIndex('{compat}:list', -1)
    },
    readAll: async () => {
      await until('a message of today', async () => {
        await client.publish('news', 'second')
        return heard.includes('second')
      })
      return client.lRange('{compat}:list', 0, -1)
    }
  })
}

main().catch((error) => { console.error(error); process.exit(1) })
