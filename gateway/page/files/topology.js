// The topology: a card for each service, with its state in words, its drawing, and its servers as a table.

import {byId, el, nextFrame, scale, setClass, setText} from './dom.js';
import {count, micros, plural, rate} from './format.js';
import {Drawing, held, lag, longest, members} from './drawing.js';
import {gatewayNow} from './head.js';
import {fillReplicas} from './replicas.js';
import {asksReplicas, consistency, readsReplicas, Served} from './served.js';

const cards = new Map();

// Card shows one service.
class Card {
  constructor(name) {
    this.places = new Map();
    this.rates = {total: undefined, nodes: new Map()};
    this.buffered = 0;
    this.state = el('p', {class: 'state'});
    this.facts = el('p', {class: 'faint facts'});
    this.served = new Served();
    this.frame = el('div', {class: 'frame'});
    this.heading = el('h3', {}, name);
    this.root = el(
      'article',
      {class: 'service', 'data-service': name},
      el('div', {class: 'title'}, this.heading, this.state, this.facts),
      this.served.root,
      this.frame,
    );
  }

  // take accepts a newer answer about the service. Rates come from two answers about the same servers.
  take(service, at) {
    const nodes = new Map(service.nodes.map((node) => [node.addr, node.requests]));
    if (this.counted && at - this.counted.at >= 900) {
      const span = (at - this.counted.at) / 1000;
      this.rates.nodes = new Map(
        [...nodes]
          .filter(([addr]) => this.counted.nodes.has(addr))
          .map(([addr, n]) => [addr, Math.max(0, n - this.counted.nodes.get(addr)) / span]),
      );
    }
    if (!this.counted || at - this.counted.at >= 900) this.counted = {at, nodes};
    this.service = service;
  }

  render() {
    const s = this.service;
    if (!s) return;
    const waiting = s.shards.filter(held);
    const fenced = waiting.find((shard) => shard.fence);
    const text =
      waiting.length > 0
        ? fenced
          ? `writes stopped by the fence for ${longest(fenced.since, gatewayNow())}: ${fenced.fence}`
          : `${
              waiting.length === 1 && s.shards.length === 1
                ? 'no primary'
                : `${count(waiting.length)} of ${plural(s.shards.length, 'shard')} without a primary`
            } for ${longest(waiting[0].since, gatewayNow())}`
        : s.epoch === 0
          ? 'no topology yet'
          : s.shards.some((shard) => shard.condition === 'suspect')
            ? 'primary suspected'
            : s.unserved_slots > 0
              ? `${plural(s.unserved_slots, 'slot')} not served`
              : s.steady
                ? 'steady'
                : 'not steady';
    setText(this.state, text);
    setClass(this.state, 'waiting', text !== 'steady' && waiting.length === 0);
    setClass(this.state, 'bad', waiting.length > 0);
    const kind = {sentinel: 'behind Sentinels', cluster: 'cluster', plain: 'plain list'}[s.kind] ?? s.kind;
    setText(
      this.facts,
      `${kind} · reads ${s.reads}${readsReplicas(s) ? `, ${consistency(s)}` : ''} · hold ${s.hold}` +
        (asksReplicas(s) ? ` · acks ${s.acks.level}` : '') +
        (s.kind === 'cluster'
          ? ` · ${plural(s.shards.length, 'shard')}, ${plural(s.nodes.length, 'server')}`
          : ''),
    );
    this.served.show(s);
    const width = this.frame.clientWidth / scale();
    const height = this.frame.clientHeight / scale();
    const form = JSON.stringify([
      Math.floor(width),
      Math.floor(height),
      s.listeners,
      s.shards.map((shard) => [
        shard.name,
        shard.condition,
        shard.primary,
        shard.demoted,
        shard.successor,
        shard.provisional,
        shard.fence,
        members(s, shard, this.places).map((m) => [
          m.addr,
          m.part,
          m.why,
          m.node?.serves_reads,
          m.node?.zone,
        ]),
      ]),
      s.sentinels.map((x) => [x.addr, x.reachable]),
    ]);
    if (form !== this.form && width > 0) {
      this.form = form;
      this.drawing = new Drawing(s, this.places, width, height, this.drawing);
      this.frame.style.minHeight = `${Math.ceil(this.drawing.least * scale())}px`;
      this.frame.replaceChildren(this.drawing.svg);
    }
    this.drawing?.update(s, this.rates, this.buffered);
  }
}

// fillTable shows the servers of all services as rows, while the table is open.
function fillTable() {
  fillReplicas([...cards.values()].filter((card) => card.service).map((card) => card.service));
  if (!byId('servers').open) return;
  const rows = [...cards.values()]
    .filter((card) => card.service)
    .flatMap(({service, rates}) =>
      service.nodes.map((node) =>
        el(
          'tr',
          {},
          el('th', {scope: 'row', class: 'addr'}, node.addr),
          ...[
            service.name,
            node.shard,
            node.role +
              (node.left_out
                ? ', left out of reads'
                : node.serves_reads && node.role === 'replica'
                  ? ', serves reads'
                  : ''),
            rate(rates.nodes.get(node.addr)),
            micros(node.p99_us),
            lag(node).replaceAll(' ', '\u00a0') || '–',
            node.zone || '–',
            count(node.connections_now),
            count(node.in_flight_now),
            node.version,
          ].map((text) => el('td', {}, text.replace(/ (?=\S+$)/, '\u00a0'))),
        ),
      ),
    );
  byId('servers')
    .querySelector('tbody')
    .replaceChildren(...rows);
}

const renderSoon = nextFrame(() => {
  for (const card of cards.values()) card.render();
  fillTable();
});
for (const id of ['servers', 'replicas']) byId(id).addEventListener('toggle', fillTable);

// sizes tells when the page gets wider or narrower.
const sizes = new ResizeObserver(renderSoon);

// showServices shows all services of an answer, in its order.
export function showServices(answer) {
  const root = byId('services');
  const names = answer.services.map((s) => s.name);
  for (const [name, card] of cards) {
    if (!names.includes(name)) {
      card.root.remove();
      cards.delete(name);
    }
  }
  answer.services.forEach((service, i) => {
    let card = cards.get(service.name);
    if (!card) {
      card = new Card(service.name);
      cards.set(service.name, card);
      sizes.observe(card.frame);
    }
    if (root.children[i] !== card.root) root.insertBefore(card.root, root.children[i] ?? null);
    setClass(card.root, 'broad', service.shards.length > 3);
    card.take(service, Date.parse(answer.now));
  });
  const servers = answer.services.reduce((n, s) => n + s.nodes.length, 0);
  setClass(byId('main'), 'large', servers > 9);
  setClass(root, 'single', names.length === 1);
  renderSoon();
}

// showService shows the newer view of one service.
export function showService(service) {
  const card = cards.get(service.name);
  if (!card) return;
  card.take(service, gatewayNow());
  renderSoon();
}

// showLoad shows the requests of the last second and those that wait, by service.
export function showLoad(sample) {
  for (const point of sample.services) {
    const card = cards.get(point.service);
    if (!card) continue;
    card.rates.total = point.requests;
    card.buffered = point.buffered;
  }
  renderSoon();
}
