// The top of the page: what the gateway is, whether it is ready, and the numbers of the last second.

import {byId, setClass, setText} from './dom.js';
import {count, micros, rate, seconds} from './format.js';

let overview = null;
let offset = 0;

// gatewayNow returns the time by the gateway's clock, in milliseconds.
export function gatewayNow() {
  return Date.now() - offset;
}

// showOverview shows what the gateway says of itself.
export function showOverview(answer) {
  overview = answer;
  offset = Date.now() - Date.parse(answer.now);
  setText(byId('host'), answer.host);
  document.title = answer.host ? `Evergate · ${answer.host}` : 'Evergate';
  showState(answer.ready, answer.draining, answer.not_ready);
  showClients(answer.clients_now);
  const commit = answer.revision
    ? `, commit ${answer.revision.slice(0, 12)}${answer.modified ? ' (modified)' : ''}`
    : '';
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  setText(
    byId('build'),
    `Evergate ${answer.version}${commit}, process ${answer.pid}, ` +
      `${answer.workers} ${answer.workers === 1 ? 'worker' : 'workers'}. Times are in ${zone}.`,
  );
  showUptime();
}

function showState(ready, draining, reasons = []) {
  const node = byId('state');
  const text = draining ? 'draining' : ready ? 'ready' : 'not ready';
  setText(node, reasons.length > 0 && !ready ? `${text}: ${reasons.join('; ')}` : text);
  setClass(node, 'waiting', draining);
  setClass(node, 'bad', !ready && !draining);
}

function showClients(now) {
  const most = overview?.clients_max ? ` of at most ${count(overview.clients_max)}` : '';
  setText(byId('f-clients'), count(now));
  byId('f-clients').title = `${count(now)} connected${most}`;
}

function showUptime() {
  if (overview) setText(byId('f-uptime'), seconds((gatewayNow() - Date.parse(overview.started)) / 1000));
}

// showSample shows the numbers of the last second.
export function showSample(sample) {
  showState(sample.ready, sample.draining, overview?.ready === sample.ready ? overview.not_ready : []);
  showClients(sample.clients_now);
  showUptime();
  const {requests, errors, buffered, p99_us: p99} = sample.all;
  setText(byId('f-requests'), rate(requests));
  setText(byId('f-errors'), rate(errors));
  setText(byId('f-p99'), micros(p99));
  setText(byId('f-buffered'), count(buffered));
  setClass(byId('f-errors'), 'bad', errors > 0);
  setClass(byId('f-buffered'), 'warn', buffered > 0);
}

// forget replaces the numbers of the last second by dashes: they are old.
export function forget() {
  for (const id of ['f-requests', 'f-errors', 'f-p99', 'f-buffered', 'f-clients', 'f-uptime']) {
    setText(byId(id), '–');
    byId(id).classList.remove('bad', 'warn');
  }
  setText(byId('state'), 'no connection');
  byId('state').classList.add('bad');
}
