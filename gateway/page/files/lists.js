// The lists in tabs: clients, slow commands, hot and big keys, settings. A list is asked for only while it is in sight.

import {byId, el, setText} from './dom.js';
import {bytes, clock, count, micros, millis, moment, rate, seconds} from './format.js';
import {ask} from './live.js';
import {spark} from './spark.js';
import {Table} from './table.js';
import {Tabs} from './tabs.js';

// clientsMost is the highest limit that the gateway accepts.
const clientsMost = 10000;

// text is a column of a text, as it is.
const text = (id, title, width, more = {}) => ({
  id,
  title,
  width,
  value: (row) => row[id],
  show: (row) => row[id],
  ...more,
});

// number is a column of a number, written by a function.
const number = (id, title, width, write, more = {}) => ({
  id,
  title,
  width,
  number: true,
  value: (row) => row[id],
  show: (row) => write(row[id]),
  ...more,
});

// percent writes a share: "4.2 %".
const percent = (share) => `${(share * 100).toFixed(1)} %`;

const service = text('service', 'service', 12, {minor: true});

const clients = new Table({
  name: 'clients',
  filters: true,
  sort: {id: 'age_seconds', down: true},
  empty: () => 'No clients are connected.',
  columns: [
    number('id', 'id', 8, String),
    text('addr', 'address', 22, {plain: true}),
    service,
    text('name', 'name', 18),
    text('user', 'user', 11, {minor: true}),
    {
      id: 'library',
      title: 'library',
      width: 18,
      minor: true,
      value: (c) => c.library,
      show: (c) => [c.library, c.library_version].filter(Boolean).join(' '),
    },
    text('command', 'last command', 14),
    number('age_seconds', 'age', 12, seconds),
    number('idle_seconds', 'idle', 11, seconds),
    number('memory_bytes', 'memory', 10, bytes),
    {
      id: 'waits',
      title: 'waits for',
      width: 18,
      value: (c) => c.waited_ms ?? (c.waits ? 0 : null),
      show: (c) => (c.waits ? `${c.waits}${c.waited_ms === null ? '' : `, ${millis(c.waited_ms)}`}` : ''),
    },
    number('subscriptions', 'subs', 7, (n) => (n ? count(n) : ''), {minor: true}),
    number('proto', 'RESP', 7, String, {minor: true}),
    number('db', 'db', 5, String, {minor: true}),
    text('flags', 'flags', 8, {minor: true}),
  ],
});

// parts paints which part of the time a slow command spent where.
function parts(cell, c) {
  const label =
    `gateway ${micros(c.gateway_us)}, server ${micros(c.server_us)}, ` +
    `hold ${micros(c.hold_us)}, acks ${micros(c.acks_us)}`;
  if (cell.title === label) return;
  cell.title = label;
  cell.replaceChildren(
    spark(
      [
        ['added', c.gateway_us],
        ['server', c.server_us],
        ['held', c.hold_us],
        ['acks', c.acks_us],
      ],
      c.duration_us,
      120,
      label,
    ),
  );
}

const slow = new Table({
  name: 'slow commands',
  filters: true,
  sort: {id: 'at', down: true},
  empty: (note) => (note === null ? 'Slow commands are not recorded.' : `No command was slow${note}.`),
  columns: [
    {
      id: 'at',
      title: 'at',
      width: 15,
      number: true,
      value: (c) => Date.parse(c.at),
      show: (c) => moment(c.at),
    },
    number('duration_us', 'time', 11, micros),
    {
      id: 'parts',
      title: 'spent on',
      width: 22,
      value: (c) => c.server_us / c.duration_us,
      show: () => '',
      paint: parts,
    },
    text('command', 'command', 16),
    {
      id: 'keys',
      title: 'keys',
      width: 30,
      plain: true,
      value: (c) => c.keys[0] ?? '',
      show: (c) => [...c.keys, c.keys_more > 0 ? `${count(c.keys_more)} more` : ''].filter(Boolean).join(' '),
    },
    service,
    text('node', 'server', 20, {plain: true}),
    text('client', 'client', 20, {plain: true, minor: true}),
    text('name', 'name', 14, {minor: true}),
    text('user', 'user', 11, {minor: true}),
    number('request_bytes', 'request', 11, bytes, {minor: true}),
    number('reply_bytes', 'reply', 11, bytes, {minor: true}),
  ],
});

function keysEmpty(note) {
  return note || 'No keys have been sampled yet.';
}

const hot = new Table({
  name: 'hot keys',
  filters: true,
  sort: {id: 'share', down: true},
  empty: keysEmpty,
  columns: [
    text('key', 'key', 50, {plain: true}),
    service,
    {
      ...number('share', 'share of requests', 20, percent),
      paint: (cell, k) => {
        const label = percent(k.share);
        if (cell.title === label) return;
        cell.title = label;
        cell.replaceChildren(spark([['server', k.share]], 1, 80, label), label);
      },
    },
    number('per_second', 'requests/s', 14, rate),
  ],
});

const big = new Table({
  name: 'big keys',
  filters: true,
  sort: {id: 'bytes', down: true},
  empty: keysEmpty,
  columns: [
    text('key', 'key', 50, {plain: true}),
    service,
    number('bytes', 'size', 12, bytes),
    text('command', 'command', 14),
    {
      id: 'at',
      title: 'seen at',
      width: 14,
      number: true,
      value: (k) => Date.parse(k.at),
      show: (k) => clock(k.at),
    },
  ],
});

const changed = el('input', {type: 'checkbox', onchange: () => showSettings()});
let config = {file: '', settings: []};

const settings = new Table({
  name: 'settings',
  filters: true,
  sort: {id: ''},
  empty: () => 'No settings are shown.',
  tools: [el('label', {class: 'pick'}, changed, ' only those that were set')],
  columns: [
    text('name', 'setting', 32),
    {...service, minor: false, show: (s) => s.service || '(process)'},
    text('value', 'value', 40, {plain: true}),
    text('source', 'from', 36),
  ],
});

function showSettings() {
  const rows = changed.checked ? config.settings.filter((s) => !s.default) : config.settings;
  settings.set(rows, ` settings${config.file ? `, file ${config.file}` : ''}`);
}

// sampled says how keys are sampled, or why there are none.
function sampled(answer, what) {
  if (!answer.on) return 'Keys are not sampled.';
  if (!answer.keys_shown) return ` ${what}; their names are not shown, see --admin-show-keys`;
  return ` ${what}; one request of ${count(answer.sample_one_in)} is sampled, over ${seconds(answer.window_seconds)}`;
}

// panels are the tabs: what each asks for, how often in milliseconds, and how it shows the answer.
const panels = {
  'tab-clients': {
    table: clients,
    path: `clients?limit=${clientsMost}`,
    every: 3000,
    show: (a) => {
      clients.set(
        a.clients,
        a.total > a.shown ? ` of ${count(a.total)} clients` : a.total === 1 ? ' client' : ' clients',
      );
    },
  },
  'tab-slow': {
    table: slow,
    path: 'slowlog',
    every: 5000,
    show: (a) => {
      slow.set(
        a.commands,
        a.threshold_us === null
          ? null
          : `${a.commands.length ? ` of ${count(a.total)} commands` : ''} from ${micros(a.threshold_us)} on`,
      );
    },
  },
  'tab-hot': {
    table: hot,
    path: 'hotkeys',
    every: 5000,
    show: (a) => hot.set(a.on ? a.hot : [], sampled(a, 'keys')),
  },
  'tab-big': {
    table: big,
    path: 'hotkeys',
    every: 5000,
    show: (a) => big.set(a.on ? a.big : [], sampled(a, 'keys')),
  },
  'tab-settings': {
    table: settings,
    path: 'config',
    every: 30000,
    show: (a) => {
      config = a;
      showSettings();
    },
  },
};

// Lists loads the selected list again and again while it is in sight.
export class Lists {
  constructor() {
    this.current = 'tab-clients';
    for (const [id, panel] of Object.entries(panels)) {
      byId(id.replace('tab', 'panel')).append(panel.table.root);
      panel.next = 0;
    }
    new Tabs(document.querySelector('[role=tablist]'), (id) => {
      this.current = id;
      panels[id].next = 0;
      this.load();
    });
    new IntersectionObserver((seen) => {
      this.seen = seen.at(-1).isIntersecting;
      this.load();
    }).observe(document.querySelector('.lists'));
  }

  // load asks for the selected list if it is in sight and due. An answer that took long is asked for less often.
  async load() {
    const panel = panels[this.current];
    const began = performance.now();
    if (!this.seen || document.hidden || panel.busy || began < panel.next) return;
    panel.busy = true;
    try {
      panel.show(await ask(panel.path));
    } catch (error) {
      setText(panel.table.caption, `Not to be had: ${error.message}.`);
    }
    panel.busy = false;
    panel.next = performance.now() + Math.max(panel.every, 10 * (performance.now() - began)) - 100;
  }
}
