// Reads on replicas and writes that replicas confirm: a line of each in the card of its service, and a table of all.

import {byId, el, setText} from './dom.js';
import {bytes, count, micros, millis, plural} from './format.js';

// percent writes a part of 1: "97%", "99.4%".
export function percent(part) {
  if (part === null || part === undefined) return '–';
  return `${Number((100 * part).toFixed(part > 0.99 && part < 1 ? 1 : 0))}%`;
}

// consistency writes how fresh reads from replicas are: "gateway", "bounded 500 ms".
export function consistency(service) {
  if (service.consistency !== 'bounded') return service.consistency;
  return `bounded ${service.max_lag_ms > 0 ? millis(service.max_lag_ms) : bytes(service.max_lag_bytes)}`;
}

// readsReplicas returns whether reads of some clients may go to replicas.
export function readsReplicas(service) {
  const {on_replicas: replicas, on_primaries: primaries} = service.replica_reads;
  return service.reads !== 'primary' || replicas + primaries > 0;
}

// asksReplicas returns whether replicas confirm writes.
export function asksReplicas({acks}) {
  return acks.level !== '0' || acks.writes_confirmed + acks.writes_unconfirmed + acks.writes_rejected > 0;
}

// readsLine writes where the reads of the last seconds went, and the two main reasons.
export function readsLine(service) {
  if (!readsReplicas(service)) return '';
  const {share_on_replicas: share, reasons} = service.replica_reads;
  if (share === null) return 'Reads: none in the last ten seconds';
  const recent = reasons.reduce((n, r) => n + r.reads_recent, 0);
  const main = reasons.filter((r) => r.reads_recent > 0).slice(0, 2);
  const why = main.map(
    (r) => r.text + (recent > r.reads_recent ? ` (${percent(r.reads_recent / recent)})` : ''),
  );
  const rest = why.length > 0 ? `, ${percent(1 - share)} on primaries. Reasons: ${why.join(', ')}` : '';
  return `Reads: ${percent(share)} on replicas${rest}`;
}

// acksLine writes what replicas confirm, how long that takes, and what failed.
export function acksLine(service) {
  if (!asksReplicas(service)) return '';
  const {level, timeout, wait_p50_us: p50, wait_p99_us: p99, ...writes} = service.acks;
  const parts = [`Writes: acks ${level} within ${timeout}`];
  if (p50 !== null) parts.push(`wait for replicas p50 ${micros(p50)}, p99 ${micros(p99)}`);
  if (writes.writes_unconfirmed > 0)
    parts.push(`${count(writes.writes_unconfirmed)} not confirmed (UNCERTAIN)`);
  if (writes.writes_rejected > 0) parts.push(`${count(writes.writes_rejected)} rejected (NOREPLICAS)`);
  return parts.join('; ');
}

// troubled returns whether writes failed for lack of replicas.
export const troubled = ({acks}) => acks.writes_unconfirmed + acks.writes_rejected > 0;

function cells(service) {
  const {replica_reads: reads, acks} = service;
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
    `Reads on replicas and confirmed writes of ${plural(services.length, 'service')}`,
  );
  table
    .querySelector('tbody')
    .replaceChildren(
      ...services.map((s) =>
        el('tr', {}, el('th', {scope: 'row'}, s.name), ...cells(s).map((cell) => el('td', {}, cell))),
      ),
    );
}
