'use strict'

const { Redis } = require('ioredis')
const { host, port, tls, same, until, note, run } = require('./steady')

async function main() {
  const client = new Redis({ port, host, tls })
  const listener = new Redis({ port, host, tls })
  client.on('error', note)
  listener.on('error', note)

  same(await client.set('{compat}:text', 'value', 'EX', 100), 'OK')
  same(await client.get('{compat}:text'), 'value')
  same(await client.incrby('{compat}:number', 42), 42)

  same(await client.pipeline().get('{compat}:text').incr('other').get('none').exec(),
    [[null, 'value'], [null, 1], [null, null]])
  same(await client.multi().set('{compat}:number', 43).get('{compat}:number').exec(), [[null, 'OK'], [null, '43']])

  client.defineCommand('append1', { numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1]) .. ARGV[1]" })
  same(await client.append1('{compat}:text', '!'), 'value!')
  same(await client.append1('{compat}:text', '?'), 'value?')

  const blocked = client.duplicate()
  blocked.on('error', note)
  const popped = blocked.blpop('{compat}:queue', 5)
  await client.lpush('{compat}:queue', 'job')
  same(await popped, ['{compat}:queue', 'job'])

  const heard = []
  listener.on('message', (channel, text) => heard.push(text))
  same(await listener.subscribe('news'), 1)
  same(await client.publish('news', 'first'), 1)
  await until('the message', () => heard.includes('first'))

  const keys = []
  for await (const some of client.scanStream({ match: '{compat}:t*' })) keys.push(...some)
  same(keys, ['{compat}:text'])

  await run({
    library: 'ioredis',
    ran: ['strings', 'pipeline', 'MULTI', 'EVALSHA', 'BLPOP', 'pub/sub, over the switch', 'SCAN'],
    key: '{compat}:list',
    write: async (number) => {
      await client.rpush('{compat}:list', number)
      await client.lindex('{compat}:list', -1)
    },
    readAll: async () => {
      await until('a message of today', async () => {
        await client.publish('news', 'second')
        return heard.includes('second')
      })
      return client.lrange('{compat}:list', 0, -1)
    }
  })
}

main().catch((error) => { console.error(error); process.exit(1) })
