// What replicas do for a service, in its card: the part of the reads that they got and why primaries got the rest, the
// reads that were sent to a second replica, and what the confirmation of writes costs.

import {el, setText} from './dom.js';
import {bytes, count, micros, millis} from './format.js';
import {spark} from './spark.js';

// percent writes a part of 1: "97%", "99.4%", "3.6%", "<0.1%".
export function percent(part) {
  if (part === null || part === undefined) return '–';
  if (part > 0 && part < 0.001) return '<0.1%';
  return `${Number((100 * part).toFixed((part > 0.99 && part < 1) || part < 0.1 ? 1 : 0))}%`;
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

// hedges returns whether late reads are sent to a second replica.
export function hedges({hedges: h}) {
  return h.after !== 'off' || h.sent > 0;
}

// asksReplicas returns whether replicas confirm writes.
export function asksReplicas({acks}) {
  return acks.level !== '0' || acks.writes_confirmed + acks.writes_unconfirmed + acks.writes_rejected > 0;
}

// troubles are the reasons for which no replica could have served a read.
const troubles = new Set(['no-replica', 'not-connected', 'left-out']);

// shownReasons is how many reasons are named; the others are one part.
const shownReasons = 2;

// parts divides the reads of the last seconds: those on replicas, and those on primaries by reason. Each is the class
// of its colour, its share, and its name.
export function parts({share_on_replicas: share, reasons}) {
  const recent = reasons.filter((r) => r.reads_recent > 0);
  const sum = recent.reduce((n, r) => n + r.reads_recent, 0);
  const of = (reads) => ((1 - share) * reads) / sum;
  const all = [['replica', share, 'on replicas']];
  recent.slice(0, shownReasons).forEach((r, i) => {
    all.push([troubles.has(r.reason) ? 'trouble' : `why${i}`, of(r.reads_recent), r.text]);
  });
  const rest = recent.slice(shownReasons).reduce((n, r) => n + r.reads_recent, 0);
  if (rest > 0) all.push(['rest', of(rest), 'for other reasons']);
  return all;
}

const key = (ink) => el('i', {class: `swatch ${ink}`});
const entry = (...children) => el('li', {}, ...children);
const warning = (text) => el('li', {class: 'warn'}, text);

// The rows of a card. Each is the class and the name of the row, and returns the children of its value, or null where
// there is nothing to show.
const rows = [
  [
    'reads',
    (service) => {
      if (!readsReplicas(service)) return null;
      const reads = service.replica_reads;
      if (reads.share_on_replicas === null) return ['none in the last ten seconds'];
      const all = parts(reads);
      const list = all.map(([ink, share, name], i) =>
        entry(key(ink), el('b', {}, percent(share)), ` ${i === 1 ? 'on primaries: ' : ''}${name}`),
      );
      return [bar(all), el('ul', {}, ...list)];
    },
  ],
  [
    'hedges',
    (service) => {
      if (!hedges(service)) return null;
      const h = service.hedges;
      const ended = h.won + h.lost;
      const budget = ` of at most ${count(h.budget)} reads sent twice in ten seconds`;
      const list = [
        entry(`late after ${h.after}`),
        entry(key('hedged'), el('b', {}, count(h.sent_recent)), budget),
        entry('second replica faster: ', el('b', {}, ended > 0 ? percent(h.won / ended) : '–')),
      ];
      if (h.denied_recent > 0) list.push(warning(`${count(h.denied_recent)} more were late`));
      const used = [
        ['hedged', h.sent_recent],
        ['left', Math.max(0, h.budget - h.sent_recent)],
      ];
      return [bar(used), el('ul', {}, ...list)];
    },
  ],
  [
    'writes',
    (service) => {
      if (!asksReplicas(service)) return null;
      const a = service.acks;
      const list = [entry(`acks ${a.level} within ${a.timeout}`)];
      if (a.wait_p50_us !== null) {
        const [p50, p99] = [a.wait_p50_us, a.wait_p99_us].map((us) => el('b', {}, micros(us)));
        list.push(entry('wait for replicas p50 ', p50, ', p99 ', p99));
      }
      if (a.waits > 0) {
        const each = (a.writes_confirmed + a.writes_unconfirmed) / a.waits;
        list.push(entry(`${Number(each.toFixed(each < 10 ? 1 : 0))} writes a WAIT`));
      }
      const failed = [
        [a.writes_unconfirmed, 'not confirmed (UNCERTAIN)'],
        [a.writes_rejected, 'rejected (NOREPLICAS)'],
      ];
      for (const [n, what] of failed) {
        if (n > 0) list.push(warning(`${count(n)} ${what}`));
      }
      return [el('ul', {}, ...list)];
    },
  ],
];

// bar draws parts of which the list beside it has the words.
function bar(all) {
  const total = all.reduce((n, [, length]) => n + length, 0);
  return el('div', {class: 'share'}, spark(all, total, 1000, null));
}

// Served has the rows of one card.
export class Served {
  constructor() {
    this.root = el('dl', {class: 'served'});
    this.rows = rows.map(([name, make]) => {
      const value = el('dd');
      const root = el('div', {class: name}, el('dt', {}, name), value);
      this.root.append(root);
      return {root, value, make, text: null};
    });
  }

  // show renews the rows of which something has changed.
  show(service) {
    for (const row of this.rows) {
      const children = row.make(service);
      row.root.hidden = children === null;
      const text = JSON.stringify([service.replica_reads, service.hedges, service.acks]);
      if (children !== null && text !== row.text) row.value.replaceChildren(...children);
      row.text = text;
    }
    this.root.hidden = this.rows.every((row) => row.root.hidden);
  }
}
