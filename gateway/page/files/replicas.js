// Reads on replicas, hedges, and writes that replicas confirm, as a table of all services.

import {byId, el, setText} from './dom.js';
import {count, micros, plural} from './format.js';
import {consistency, percent, readsReplicas} from './served.js';

function cells(service) {
  const {replica_reads: reads, hedges, acks} = service;
  const reasons = reads.reasons.map((r) =>
    el(
      'li',
      {},
      `${r.text}: ${count(r.reads)}`,
      r.reads_recent > 0 ? `, ${count(r.reads_recent)} in the last 10 s` : '',
    ),
  );
  return [
    readsReplicas(service) ? `${service.reads}, ${consistency(service)}` : service.reads,
    percent(reads.share_on_replicas),
    count(reads.on_replicas),
    count(reads.on_primaries),
    reasons.length > 0 ? el('ul', {class: 'reasons'}, ...reasons) : '–',
    hedges.after,
    count(hedges.sent),
    count(hedges.won),
    count(hedges.denied),
    acks.level === '0' ? '0' : `${acks.level} within ${acks.timeout}`,
    `${micros(acks.wait_p50_us)} / ${micros(acks.wait_p99_us)}`,
    count(acks.writes_confirmed),
    count(acks.writes_unconfirmed),
    count(acks.writes_rejected),
  ];
}

// fillReplicas shows the services as rows of the table, while it is open.
export function fillReplicas(services) {
  const table = byId('replicas');
  if (!table.open) return;
  setText(
    table.querySelector('caption'),
    `Reads on replicas, hedges and confirmed writes of ${plural(services.length, 'service')}`,
  );
  table
    .querySelector('tbody')
    .replaceChildren(
      ...services.map((s) =>
        el('tr', {}, el('th', {scope: 'row'}, s.name), ...cells(s).map((cell) => el('td', {}, cell))),
      ),
    );
}
