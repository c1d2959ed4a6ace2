// The failovers, newest first. Each opens to its events, the receipt, and what it did to clients.

import {byId, el, nextFrame, scale, setClass, setText} from './dom.js';
import {after, clock, count, day, millis, moment, plural} from './format.js';
import {gatewayNow} from './head.js';
import {lanes} from './lanes.js';
import {spark} from './spark.js';

const shownFirst = 20;
const entries = new Map();
let known = new Map();
let limit = shownFirst;
const more = el('button', {
  type: 'button',
  class: 'more',
  onclick: () => {
    limit = Infinity;
    arrange();
  },
});

// all returns all failovers that are known.
export function allFailovers() {
  return [...entries.values()].map((entry) => entry.failover);
}

// pause returns how long requests waited, so far if it is not over; null if they never did.
function pause(f) {
  if (f.held_ms === null) return null;
  return (f.resumed_ms ?? gatewayNow() - Date.parse(f.began)) - f.held_ms;
}

function outcome(f) {
  if (f.outcome === 'running') return 'under way';
  return f.outcome === 'kept' ? 'primary kept' : 'switched';
}

function route(f) {
  if (f.outcome === 'kept') return `${f.from} stays`;
  return `${f.from} → ${f.to || '…'}`;
}

function loss(f) {
  const r = f.receipt;
  if (!r)
    return f.outcome === 'running'
      ? 'receipt to come'
      : f.outcome === 'kept'
        ? 'nothing to lose'
        : 'no receipt';
  if (!r.proven || r.lost_at_most === null) return 'loss unknown';
  return r.lost_at_most === 0 ? 'nothing lost' : `at most ${count(r.lost_at_most)} lost`;
}

// bad returns how many requests of clients a failover failed. Those that timed out are among the rejected ones.
const bad = (e) => e.requests_uncertain + Math.max(e.requests_timed_out, e.requests_rejected);

function effectText(f) {
  const e = f.effect;
  if (!e) return '';
  const text = `${count(e.requests_buffered)} buffered, ${bad(e) === 0 ? 'none failed' : `${count(bad(e))} failed`}`;
  return e.complete ? text : `${text} so far`;
}

// sentence says in words what happened.
function sentence(f) {
  const where = f.shard === f.service ? `of ${f.service}` : `of shard ${f.shard} of ${f.service}`;
  const parts = [
    `The primary ${where}, ${f.from}, was suspected at ${moment(f.began)} on ${day(f.began)}: ${f.why}.`,
  ];
  if (f.held_ms !== null) parts.push(`Requests waited from ${after(f.held_ms)}`);
  else return parts[0];
  if (f.resumed_ms === null) return `${parts.join(' ')} and still wait.`;
  const took =
    f.promoted_ms !== null && f.outcome === 'switched'
      ? `: the servers needed ${millis(f.promoted_ms - f.held_ms)} to promote ${f.to}, the gateway ${millis(
          f.resumed_ms - f.promoted_ms,
        )} to use it`
      : '';
  parts[1] += ` to ${after(f.resumed_ms)}, ${millis(pause(f))}${took}.`;
  if (f.confirmed_ms !== null) parts.push(`A majority confirmed it at ${after(f.confirmed_ms)}.`);
  return parts.join(' ');
}

// facts are the effect's numbers in the order in which they are read.
const effects = [
  ['requests_buffered', 'requests waited for a primary'],
  ['requests_resumed', 'of them were executed in time'],
  ['requests_timed_out', 'timed out'],
  ['requests_abandoned', 'were given up by their clients'],
  ['requests_uncertain', 'writes are uncertain'],
  ['requests_retried', 'requests were retried'],
  ['requests_rejected', 'were rejected by the gateway'],
  ['errors', 'error replies in all'],
];

const troubling = ['requests_timed_out', 'requests_uncertain', 'requests_rejected'];

// Entry is one failover in the list.
class Entry {
  constructor(id) {
    this.cells = Object.fromEntries(
      ['when', 'what', 'how', 'pause', 'lost', 'effect'].map((name) => [
        name,
        el('span', {class: `cell ${name}`}),
      ]),
    );
    this.body = el('div', {class: 'body'});
    this.root = el(
      'details',
      {class: 'failover', id: `failover-${id}`, 'data-id': id, ontoggle: () => this.fill()},
      el('summary', {}, ...Object.values(this.cells)),
      this.body,
    );
  }

  show(failover) {
    this.failover = failover;
    const f = failover;
    setText(this.cells.when, clock(f.began));
    this.cells.when.title = `${day(f.began)}, ${moment(f.began)}`;
    this.cells.what.replaceChildren(
      el('b', {}, f.shard === f.service ? f.service : `${f.service} ${f.shard}`),
      ' ',
      el('span', {class: 'addr'}, route(f)),
    );
    this.cells.how.replaceChildren(el('span', {class: 'state'}, outcome(f)));
    this.cells.how.firstChild.classList.toggle('waiting', f.outcome === 'running');
    setText(this.cells.lost, loss(f));
    setClass(this.cells.lost, 'bad', Boolean(f.receipt) && f.receipt.lost_at_most !== 0);
    setText(this.cells.effect, effectText(f));
    setClass(this.cells.effect, 'bad', Boolean(f.effect) && bad(f.effect) > 0);
    setClass(this.root, 'running', f.outcome === 'running');
    this.tick();
    this.fill();
  }

  // tick shows how long requests have waited by now.
  tick() {
    const length = pause(this.failover);
    setText(this.cells.pause, length === null ? 'no pause' : `paused ${millis(length)}`);
  }

  fill() {
    if (!this.root.open) return;
    const f = this.failover;
    const width = (this.root.clientWidth - 32) / scale();
    this.body.replaceChildren(
      el('p', {}, sentence(f)),
      ...this.bar(f),
      lanes(f, known.get(f.service) ?? new Set(), Math.max(300, width), gatewayNow()),
      el('div', {class: 'pair'}, this.receipt(f), this.effect(f)),
      this.steps(f),
      el(
        'p',
        {class: 'faint'},
        el('a', {href: `#${encodeURIComponent(this.root.id)}`}, 'Link to this failover'),
        '. In the log: ',
        el('code', {}, `failover=${f.number}`),
        '. ',
        el('a', {href: 'api/v1/failovers'}, 'The same for programs'),
        '.',
      ),
    );
  }

  bar(f) {
    const total = pause(f);
    if (total === null || f.promoted_ms === null) return [];
    const servers = Math.max(0, f.promoted_ms - f.held_ms);
    return [
      el(
        'div',
        {class: 'pausebar'},
        spark(
          [
            ['servers', servers],
            ['added', total - servers],
          ],
          total,
          600,
          `The servers took ${millis(servers)} of ${millis(total)}, the gateway ${millis(total - servers)}`,
        ),
        el(
          'p',
          {class: 'faint legend'},
          el('span', {class: 'key servers'}),
          'no primary at the servers',
          el('span', {class: 'key added'}),
          'added by the gateway',
        ),
      ),
    ];
  }

  receipt(f) {
    const r = f.receipt;
    const text = r
      ? r.text
      : f.outcome === 'running'
        ? 'It comes when the new primary is used.'
        : f.outcome === 'kept'
          ? 'None: the primary stayed.'
          : 'None was given.';
    return el(
      'section',
      {},
      el('h4', {}, 'Receipt'),
      el('p', {class: 'receipt'}, text),
      r
        ? el(
            'p',
            {class: 'faint'},
            `${count(r.acknowledged)} writes acknowledged by ${f.from}; ${
              r.proven ? 'proven' : `not proven: ${r.why}`
            }.`,
          )
        : null,
    );
  }

  effect(f) {
    const e = f.effect;
    const list = el('dl', {class: 'effect'});
    for (const [key, words] of e ? effects : []) {
      const ill = troubling.includes(key) && e[key] > 0;
      list.append(
        el(
          'div',
          {},
          el('dd', {class: ill ? 'bad' : null, 'data-key': key}, count(e[key])),
          el('dt', {}, words),
        ),
      );
    }
    if (e && e.longest_wait_ms !== null) {
      list.append(
        el(
          'div',
          {},
          el('dd', {'data-key': 'longest_wait_ms'}, millis(e.longest_wait_ms)),
          el('dt', {}, 'longest wait of a request'),
        ),
      );
    }
    return el(
      'section',
      {},
      el('h4', {}, e && !e.complete ? 'What it did to clients, so far' : 'What it did to clients'),
      e ? list : el('p', {class: 'faint'}, 'Nothing yet.'),
    );
  }

  steps(f) {
    return el(
      'div',
      {class: 'wide'},
      el(
        'table',
        {class: 'steps'},
        el('caption', {}, plural(f.steps.length, 'event')),
        el(
          'thead',
          {},
          el('tr', {}, ...['after', 'event', 'server', 'evidence'].map((t) => el('th', {scope: 'col'}, t))),
        ),
        el(
          'tbody',
          {},
          ...f.steps.map((s) =>
            el(
              'tr',
              {class: s.kind, title: s.text},
              el('td', {class: 't'}, after(s.after_ms)),
              el('td', {class: 't'}, s.event),
              el('td', {}, s.subject || [s.from, s.to].filter(Boolean).join(' → ')),
              el('td', {}, s.why),
            ),
          ),
        ),
      ),
    );
  }
}

const arrange = nextFrame(() => {
  const newest = [...entries.values()].reverse();
  const root = byId('failovers');
  const shown = newest.slice(0, limit).map((entry) => entry.root);
  if (newest.length > limit) {
    setText(more, `Show ${plural(newest.length - limit, 'older failover')}`);
    shown.push(more);
  }
  if (
    shown.length === 0 ||
    (root.children.length === shown.length && shown.every((n, i) => root.children[i] === n))
  )
    return;
  const opened = document.activeElement;
  root.replaceChildren(...shown);
  if (opened && root.contains(opened)) opened.focus();
  openLinked();
});

// showFailovers shows all failovers of an answer, oldest first.
export function showFailovers(answer) {
  for (const f of answer.failovers) put(f);
  arrange();
}

// showFailover shows a failover as it is after a step, and says so to screen readers.
export function showFailover(f) {
  const before = entries.get(f.id)?.failover;
  put(f);
  arrange();
  if (before?.outcome === f.outcome && before?.held_ms === f.held_ms && !f.effect?.complete) return;
  const place = f.shard === f.service ? f.service : `${f.service}, ${f.shard}`;
  setText(
    byId('news'),
    f.outcome === 'running'
      ? `Failover of ${place} under way`
      : `Failover of ${place}: ${outcome(f)}, paused ${millis(pause(f))}, ${loss(f)}, ${effectText(f)}`,
  );
}

function put(f) {
  if (!entries.has(f.id)) entries.set(f.id, new Entry(f.id));
  entries.get(f.id).show(f);
}

// tickFailovers shows how long those under way have lasted.
export function tickFailovers() {
  for (const entry of entries.values()) if (entry.failover.outcome === 'running') entry.tick();
}

// knowServers remembers the addresses of each service, by which events are put on lanes.
export function knowServers(answer) {
  known = new Map(
    answer.services.map((s) => [
      s.name,
      new Set([...s.nodes.map((node) => node.addr), ...s.sentinels.map((x) => x.addr)]),
    ]),
  );
}

// openLinked opens the failover that the address of the page names, once.
function openLinked() {
  for (const entry of entries.values()) {
    if (entry.linked || location.hash !== `#${encodeURIComponent(entry.root.id)}`) continue;
    entry.linked = true;
    entry.root.open = true;
    entry.root.scrollIntoView();
  }
}
addEventListener('hashchange', openLinked);
