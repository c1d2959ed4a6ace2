// The page begins here: it asks for everything once, then follows the stream of events.

import {Charts} from './charts.js';
import {allFailovers, knowServers, showFailover, showFailovers, tickFailovers} from './failovers.js';
import {forget, showOverview, showSample} from './head.js';
import {Lists} from './lists.js';
import {ask, Live} from './live.js';
import {Series} from './series.js';
import {showLoad, showService, showServices} from './topology.js';

// How often the state that has no events is asked for, in milliseconds.
const overviewEvery = 10000;
const servicesEvery = 2000;

const series = new Series();
const charts = new Charts(series, allFailovers);
const lists = new Lists();
let run = null;

// early are the samples that came while the series were on their way.
let early = null;

// attempt does something with an answer; without one the page shows what it has, and Live says that it is old.
async function attempt(path, show) {
  try {
    show(await ask(path));
  } catch (error) {
    console.info(`evergate: ${path}: ${error.message}`);
  }
}

function overview(answer) {
  if (run !== null && run !== answer.run_id) location.reload(); // what is shown belongs to a gateway that has ended
  run = answer.run_id;
  showOverview(answer);
}

function services(answer) {
  knowServers(answer);
  showServices(answer);
  charts.offer(answer.services);
}

async function everything() {
  early = [];
  await Promise.all([
    attempt('overview', overview),
    attempt('services', services),
    attempt('failovers', showFailovers),
    attempt('series', (answer) => series.load(answer)),
  ]);
  for (const sample of early) series.add(sample);
  early = null;
  charts.begin();
}

const live = new Live({
  open: everything,
  sample(sample) {
    showSample(sample);
    showLoad(sample);
    tickFailovers();
    lists.load();
    if (early) early.push(sample);
    else series.add(sample);
    charts.drawSoon();
  },
  topology: showService,
  failover(failover) {
    showFailover(failover);
    charts.drawSoon();
  },
  stale(stale) {
    if (stale) forget();
  },
});

setInterval(() => document.hidden || live.stale || attempt('overview', overview), overviewEvery);
setInterval(() => document.hidden || live.stale || attempt('services', services), servicesEvery);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) charts.drawSoon();
});
live.start();
