'use strict'

const Queue = require('bull')
const { host, port, same, until, note, run } = require('./steady')

// The braces put all keys of a queue into one slot, as the library asks for in a cluster.
const prefix = '{compat}'

async function main() {
  const done = new Set()
  const queue = new Queue('work', { redis: { host, port }, prefix })
  queue.on('error', note)
  queue.process(4, async (job) => {
    if (job.data.fails && job.attemptsMade === 0) throw new Error('as it should')
    done.add(job.data.number)
    return job.data.number
  })
  await queue.isReady()
  const finished = (job) => job.finished()

  same(await finished(await queue.add({ number: -1 })), -1)
  same(await finished(await queue.add({ number: -2 }, { delay: 100 })), -2)
  same(await finished(await queue.add({ number: -3, fails: true }, { attempts: 2 })), -3)
  const many = await queue.addBulk([-4, -5, -6].map((number) => ({ data: { number } })))
  same(await Promise.all(many.map(finished)), [-4, -5, -6])
  same((await queue.getJobCounts()).completed, 6)

  await run({
    library: 'bull',
    ran: ['jobs', 'delayed jobs', 'retries', 'bulk', 'events', 'jobs added and worked on over the switch'],
    key: prefix,
    write: (number) => queue.add({ number }),
    readAll: async (acknowledged) => {
      // What a receipt tells of may be missing; the runner judges that.
      await until('all jobs', () => acknowledged.every((number) => done.has(number)), 6000).catch(console.error)
      return [...done].filter((number) => number >= 0)
    }
  })
}

main().catch((error) => { console.error(error); process.exit(1) })
