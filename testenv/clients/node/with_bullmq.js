'use strict'

const { Queue, QueueEvents, Worker } = require('bullmq')
const { host, port, same, until, note, run } = require('./steady')

// The braces put all keys of a queue into one slot, as the library asks for in a cluster.
const prefix = '{compat}'

async function main() {
  const done = new Set()
  const queue = new Queue('work', { connection: { host, port }, prefix })
  const events = new QueueEvents('work', { connection: { host, port }, prefix })
  const worker = new Worker('work', async (job) => {
    if (job.name === 'fails once' && job.attemptsMade === 0) throw new Error('as it should')
    done.add(job.data.number)
    return job.data.number
  }, { connection: { host, port, maxRetriesPerRequest: null }, prefix, concurrency: 4 })
  for (const part of [queue, events, worker]) {
    part.on('error', note)
    await part.waitUntilReady()
  }
  const finished = (job) => job.waitUntilFinished(events, 10000)

  same(await finished(await queue.add('at once', { number: -1 })), -1)
  same(await finished(await queue.add('later', { number: -2 }, { delay: 100 })), -2)
  same(await finished(await queue.add('fails once', { number: -3 }, { attempts: 2 })), -3)
  const many = await queue.addBulk([-4, -5, -6].map((number) => ({ name: 'many', data: { number } })))
  same(await Promise.all(many.map(finished)), [-4, -5, -6])
  same((await queue.getJobCounts('completed')).completed, 6)

  await run({
    library: 'bullmq',
    ran: ['jobs', 'delayed jobs', 'retries', 'bulk', 'events', 'jobs added and worked on over the switch'],
    key: prefix,
    write: (number) => queue.add('steady', { number }),
    readAll: async (acknowledged) => {
      // What a receipt tells of may be missing; the runner judges that.
      await until('all jobs', () => acknowledged.every((number) => done.has(number)), 6000).catch(console.error)
      return [...done].filter((number) => number >= 0)
    }
  })
}

main().catch((error) => { console.error(error); process.exit(1) })
