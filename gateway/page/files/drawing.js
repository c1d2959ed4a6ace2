// The drawing of one service: the gateway as a bar above, its servers below, Sentinels at the bottom. A server keeps
// its place while the page is open, so that a failover is seen as what it is: requests go to another server.

import {draw, setClass, setText} from './dom.js';
import {bytes, count, end, micros, middle, millis, plural, rate} from './format.js';

// Sizes are in units of the drawing, which are pixels at the usual size of text.
const bar = 26;
const margin = 6;
const letter = 6.7; // the width of a letter of an address

// tree is for a single shard: all servers side by side. columns is for several: a column each, its servers stacked.
const tree = {drop: 56, longest: 230, node: 44, gap: 14, widest: 240, least: 142};
const columns = {drop: 40, node: 40, gap: 7, widest: 232, least: 148};
const dense = {drop: 36, node: 24, gap: 5, widest: 240, least: 150};

// members returns the servers of a shard, each with its part in it, in the order in which they were first seen.
export function members(service, shard, places) {
  const parts = new Map();
  const put = (addr, part, why = '') => addr && !parts.has(addr) && parts.set(addr, {addr, part, why});
  put(shard.primary, 'primary');
  put(shard.successor, 'successor');
  put(shard.demoted, 'demoted');
  for (const addr of shard.replicas) put(addr, 'replica');
  for (const {addr, why} of shard.unused) put(addr, 'unused', why);
  for (const node of service.nodes) {
    if (node.shard === shard.name) put(node.addr, node.role === 'primary' ? 'primary' : 'unused');
  }
  for (const addr of parts.keys()) if (!places.has(addr)) places.set(addr, places.size);
  const nodes = new Map(service.nodes.map((node) => [node.addr, node]));
  return [...parts.values()]
    .map((m) => ({...m, node: nodes.get(m.addr) ?? null}))
    .sort((a, b) => places.get(a.addr) - places.get(b.addr));
}

// held returns whether the requests of a shard wait for a primary.
export const held = (shard) =>
  !shard.primary || shard.condition === 'switching' || shard.condition === 'orphan';

// Drawing is the SVG of one service.
export class Drawing {
  constructor(service, places, width, height, before) {
    this.width = Math.max(280, Math.floor(width));
    this.height = height;
    this.stretched = 0; // how much higher it is than it must be, to use the height that there is
    this.name = service.name;
    this.updates = [];
    this.before = before;
    this.primaries = new Set(service.shards.map((shard) => shard.primary));
    this.svg = draw('svg', {role: 'img', class: 'map'});
    this.title = this.svg.appendChild(draw('title'));
    this.desc = this.svg.appendChild(draw('desc'));
    this.lines = this.svg.appendChild(draw('g', {class: 'lines'}));
    const shards = service.shards.map((shard) => ({shard, members: members(service, shard, places)}));
    const strays = service.nodes.filter(
      (node) => !shards.some((s) => s.members.some((m) => m.addr === node.addr)),
    );
    let y = 0;
    if (shards.length === 1 && this.width >= tree.least * shards[0].members.length)
      y = this.tree(
        service,
        shards[0],
        24 * [strays, service.sentinels].filter((row) => row.length > 0).length,
      );
    else y = this.columns(service, shards);
    y = this.row(
      y,
      strays.map((node) => ({name: node.addr, ok: true, why: 'in no shard'})),
      'stray',
    );
    y = this.row(
      y,
      service.sentinels.map((s) => ({name: s.addr, ok: s.reachable, why: s.why})),
      'sentinel',
    );
    this.least = y - this.stretched;
    this.svg.setAttribute('viewBox', `0 0 ${this.width} ${y}`);
    setText(this.title, `Topology of ${service.name}`);
    setText(this.desc, describe(service, shards));
  }

  // update shows other numbers in the same drawing.
  update(service, rates, buffered) {
    const nodes = new Map(service.nodes.map((node) => [node.addr, node]));
    const shards = new Map(service.shards.map((shard) => [shard.name, shard]));
    for (const work of this.updates) work({service, nodes, shards, rates, buffered});
  }

  // gateway draws the bar that stands for the gateway, with its listeners.
  gateway(service, y) {
    const names = service.listeners.map(
      (l) => l.addr + (l.emulates ? ` (as ${l.emulates})` : '') + (l.tls ? ' TLS' : ''),
    );
    const right = draw('text', {class: 'amount', x: this.width - 10, y: y + 17, 'text-anchor': 'end'});
    const room = Math.floor((this.width - 200) / letter);
    this.svg.append(
      draw('rect', {class: 'gateway', x: 0.5, y: y + 0.5, width: this.width - 1, height: bar, rx: 5}),
      draw(
        'text',
        {class: 'addr', x: 10, y: y + 17},
        end(names.join('  '), room),
        draw('title', {}, names.join(', ')),
      ),
      right,
    );
    this.updates.push(({service: s, rates}) =>
      setText(right, `${plural(s.counters.clients_now, 'client')} · ${rate(rates.total)}/s`),
    );
  }

  // tree draws a single shard. below is the height of the rows below it.
  tree(service, {shard, members: all}, below) {
    this.gateway(service, 0);
    const cell = Math.min(tree.widest + tree.gap, this.width / Math.max(1, all.length));
    const left = (this.width - cell * all.length) / 2;
    const drop = Math.max(tree.drop, Math.min(tree.longest, this.height - bar - tree.node - 22 - below));
    this.stretched = drop - tree.drop;
    const top = bar + drop;
    const foot = top + tree.node + 14;
    const nw = cell - tree.gap;
    const centre = (i) => left + cell * i + cell / 2;
    const primary = all.findIndex((m) => m.part === 'primary');
    all.forEach((m, i) => {
      const x = centre(i);
      if (m.part === 'primary' && !held(shard)) this.line('primary', `M${x} ${bar}V${top}`, m.addr);
      else if (m.part === 'replica' && m.node?.serves_reads)
        this.line('reads', `M${x} ${bar}V${top}`, m.addr);
      if (primary >= 0 && i !== primary && m.part === 'replica') {
        const [a, b] = [centre(primary) + Math.sign(i - primary) * 6, x];
        this.line('replication', `M${a} ${top + tree.node}V${foot}H${b}V${top + tree.node}`);
      }
      this.node(m, x - nw / 2, top, nw, tree.node);
    });
    if (held(shard)) {
      // Without a former primary it stands between the servers.
      const demoted = all.findIndex((m) => m.part === 'demoted');
      const x = demoted >= 0 ? centre(demoted) : all.length > 1 ? left + cell : this.width / 2 - nw / 2 + 30;
      this.gate(shard, x, bar, drop);
    }
    return foot + 8;
  }

  columns(service, shards) {
    const many = shards.reduce((n, s) => n + s.members.length, 0) > 18;
    const size = many ? dense : columns;
    const each = Math.max(1, Math.min(shards.length, Math.floor((this.width - 12) / (size.least + 26))));
    const cell = Math.min(size.widest + 26, (this.width - 12) / each);
    this.gateway(service, 0);
    let y = 0;
    for (let from = 0; from < shards.length; from += each) {
      const some = shards.slice(from, from + each);
      if (from > 0) {
        this.line('spine', `M1.5 ${bar}V${y + 3}H${12 + cell * some.length}`);
        y += 3 - bar;
      }
      const left = from === 0 && each === shards.length ? (this.width - cell * some.length) / 2 : 12;
      some.forEach(({shard, members: all}, i) => this.column(shard, all, left + cell * i, y, cell, size));
      y += bar + size.drop + Math.max(1, ...some.map((s) => s.members.length)) * (size.node + size.gap) + 10;
    }
    return Math.max(y, bar + 10); // without a shard there is the bar alone
  }

  column(shard, all, x, y, cell, size) {
    const nw = cell - 26;
    const rail = x + nw + 13;
    const top = y + bar + size.drop;
    const line = (i) => top + i * (size.node + size.gap) + size.node / 2;
    const name = shard.slot_ranges
      ? `slots ${shard.slot_ranges}`
      : shard.name === this.name
        ? ''
        : shard.name;
    this.svg.append(
      draw(
        'text',
        {class: 'shard', x: x + 6, y: top - 7},
        end(name, Math.floor(nw / 6)),
        draw('title', {}, name),
      ),
    );
    const primary = all.findIndex((m) => m.part === 'primary');
    all.forEach((m, i) => {
      const edge = x + 4 + nw;
      if (m.part === 'primary' && !held(shard))
        this.line('primary', `M${rail} ${y + bar}V${line(i)}H${edge}`, m.addr, 3.5);
      else if (m.part === 'replica' && m.node?.serves_reads) {
        this.line('reads', `M${rail + 5} ${y + bar}V${line(i)}H${edge}`, m.addr, 3.5);
      }
      if (primary >= 0 && i !== primary && m.part === 'replica') {
        this.line('replication', `M${x + 4} ${line(primary)}H${x}V${line(i)}H${x + 4}`);
      }
      this.node(m, x + 4, line(i) - size.node / 2, nw, size.node);
    });
    if (held(shard)) this.gate(shard, rail, y + bar, size.drop - 12, x + 6);
  }

  // line draws a path. With the address of a server it is as thick as many requests go there.
  line(kind, path, addr, most = 7) {
    const node = this.lines.appendChild(draw('path', {class: `line ${kind}`, d: path}));
    if (!addr) return;
    this.updates.push(({rates}) => {
      const width = Math.min(most, 1.4 + Math.log10(1 + (rates.nodes.get(addr) ?? 0)) * 1.1);
      node.style.strokeWidth = width.toFixed(1);
    });
  }

  // gate draws that the requests of a shard wait: a closed barrier below the gateway. In a column its text is at textX.
  gate(shard, x, y, drop, textX) {
    const at = y + drop * 0.55;
    const text = draw('text', {class: 'waits', x: textX ?? x + 30, y: textX ? y + 12 : at + 4});
    this.lines.append(
      draw('path', {class: 'line held', d: `M${x} ${y}V${at}`}),
      draw('path', {class: 'barrier', d: `M${x - (textX ? 9 : 22)} ${at}h${textX ? 18 : 44}`}),
    );
    this.svg.append(text);
    this.updates.push(({service, buffered}) =>
      setText(
        text,
        service.shards.filter(held).length === 1 ? `${count(buffered)} buffered` : 'requests wait',
      ),
    );
  }

  node(m, x, y, w, h) {
    const lined = h > 30;
    const room = Math.floor((w - (lined ? 16 : 54)) / letter);
    const second = draw('text', {
      class: 'facts',
      x: lined ? x + 9 : x + w - 8,
      y: y + (lined ? h - 9 : h / 2 + 4),
    });
    if (!lined) second.setAttribute('text-anchor', 'end');
    const zone = lined && m.node?.zone ? end(`zone ${m.node.zone}`, Math.floor(room / 2)) : '';
    const tip = draw('title');
    const arrived = m.part === 'primary' && this.before && !this.before.primaries.has(m.addr);
    const group = draw(
      'g',
      {class: `node ${m.part}${arrived ? ' arrived' : ''}`, 'data-addr': m.addr},
      draw('rect', {x: x + 0.5, y: y + 0.5, width: w - 1, height: h - 1, rx: 5}),
      draw(
        'text',
        {class: 'addr', x: x + 9, y: y + (lined ? 17 : h / 2 + 4)},
        middle(m.addr, room - zone.length),
      ),
      zone === ''
        ? null
        : draw('text', {class: 'facts', x: x + w - 8, y: y + 17, 'text-anchor': 'end'}, zone),
      second,
      tip,
    );
    this.svg.append(group);
    const chars = Math.floor((w - 14) / 5.9);
    this.updates.push(({nodes, rates, shards}) => {
      const node = nodes.get(m.addr);
      const speed = rates.nodes.get(m.addr);
      const shard = shards.get(node?.shard);
      setText(second, lined ? end(facts(m, node, speed, shard), chars) : shortFacts(m, node, speed));
      setText(tip, details(m, node, speed));
      setClass(
        group,
        'troubled',
        Boolean(
          node?.busy || node?.left_out || node?.reachable === false || node?.connections_silent_now > 0,
        ),
      );
    });
  }

  // row draws Sentinels, or servers without a shard, as points with their addresses.
  row(y, items, kind) {
    if (items.length === 0) return y;
    const word = kind === 'sentinel' ? 'Sentinels' : 'In no shard';
    this.svg.append(draw('text', {class: 'shard', x: margin, y: y + 17}, word));
    let x = 78;
    for (const item of items) {
      const name = middle(item.name, 40);
      const wide = 26 + name.length * letter;
      if (x + wide > this.width && x > 78) {
        x = 78;
        y += 20;
      }
      this.svg.append(
        draw(
          'g',
          {class: `point ${kind} ${item.ok ? 'ok' : 'gone'}`},
          draw('circle', {cx: x + 6, cy: y + 13, r: 4}),
          draw('text', {class: 'addr', x: x + 15, y: y + 17}, name),
          draw(
            'title',
            {},
            `${item.name}: ${item.ok ? item.why || 'reachable' : `not reachable, ${item.why}`}`,
          ),
        ),
      );
      x += wide;
    }
    return y + 24;
  }
}

// lag writes how far a replica is behind: "0 B", "1.2 KiB, 40 ms".
export const lag = (node) =>
  node?.lag_bytes === null || node?.lag_bytes === undefined
    ? ''
    : bytes(node.lag_bytes) + (node.lag_ms > 0 ? `, ${millis(node.lag_ms)}` : '');

// lagging is lag for a small place.
const lagging = (node) => lag(node) && `lag ${node.lag_ms > 0 ? millis(node.lag_ms) : bytes(node.lag_bytes)}`;

const joined = (...parts) => parts.filter(Boolean).join(' · ');

function facts(m, node, speed, shard) {
  if (node?.busy) return 'busy with a script';
  if (node?.reachable === false && m.part !== 'unused') return 'does not answer';
  const perSecond = speed === undefined ? '' : `${rate(speed)}/s`;
  switch (m.part) {
    case 'primary':
      return joined(shard?.provisional ? 'primary, unconfirmed' : 'primary', perSecond);
    case 'demoted':
      return shard?.fence ? joined('fenced: gets no writes', perSecond) : 'gets no requests';
    case 'successor':
      return 'takes over';
    case 'replica':
      if (node?.left_out) return joined('left out of reads: slow or failing', lagging(node));
      return joined('replica', node?.serves_reads && perSecond, lagging(node));
    default:
      return m.why || 'not used';
  }
}

function shortFacts(m, node, speed) {
  if (node?.left_out) return 'left out';
  if (m.part === 'primary' || (m.part === 'replica' && node?.serves_reads))
    return speed === undefined ? '' : `${rate(speed)}/s`;
  return m.part === 'replica' ? '' : ({demoted: 'held', successor: 'next'}[m.part] ?? 'not used');
}

function details(m, node, speed) {
  if (!node) return joined(m.addr, m.part, m.why);
  return joined(
    `${m.addr}${node.announced && node.announced !== m.addr ? ` (${node.announced})` : ''}`,
    m.part,
    m.why,
    node.version && `version ${node.version}`,
    speed === undefined ? '' : `${rate(speed)} requests/s`,
    plural(node.connections_now, 'connection'),
    `${count(node.in_flight_now)} in flight`,
    node.p99_us !== null && `p50 ${micros(node.p50_us)}, p99 ${micros(node.p99_us)}`,
    lag(node) && `lag ${lag(node)}`,
    node.left_out && 'left out of reads, since it answered slowly or with errors',
    node.zone && `zone ${node.zone}`,
    node.connections_silent_now > 0 && `${count(node.connections_silent_now)} silent`,
    node.busy,
  );
}

function describe(service, shards) {
  const sentences = shards.map(({shard, members: all}) => {
    const replicas = all.filter((m) => m.part === 'replica');
    const reading = replicas.filter((m) => m.node?.serves_reads).map((m) => m.addr);
    const out = replicas.filter((m) => m.node?.left_out).map((m) => m.addr);
    const primary = shard.fence
      ? `its writes are stopped, since ${shard.fence}`
      : held(shard)
        ? 'its requests are buffered until there is a primary'
        : `primary ${shard.primary}`;
    return (
      `Shard ${shard.name}: ${primary}, ${plural(replicas.length, 'replica')}` +
      `${reading.length > 0 ? `, reads from ${reading.join(', ')}` : ''}` +
      `${out.length > 0 ? `, left out of reads ${out.join(', ')}` : ''}.`
    );
  });
  const gone = service.sentinels.filter((s) => !s.reachable);
  if (service.sentinels.length > 0) {
    sentences.push(
      `${plural(service.sentinels.length, 'Sentinel')}, ${
        gone.length === 0 ? 'all reachable' : `not reachable: ${gone.map((s) => s.addr).join(', ')}`
      }.`,
    );
  }
  return sentences.join(' ');
}

// longest writes how long a shard has been without a primary.
export const longest = (since, now) => millis(Math.max(0, now - Date.parse(since)));
