// The charts of the last hour, drawn by uPlot. They share their range, their cursor, and the marks of failovers.

import {byId, colour, el, nextFrame, scale, setText} from './dom.js';
import {clock, count, micros, rate, round} from './format.js';
import {asksReplicas, percent, readsReplicas} from './served.js';

// A line has the key of its samples, its name, its colour in the style sheet, and how its values are written. The line
// of the gateway is that of a round of its event loops. A chart with a condition is shown if a service meets it.
const charts = [
  {
    title: 'Requests a second',
    lines: [
      {key: 'requests', name: 'requests', ink: 'accent', fill: true, write: rate},
      {key: 'buffered', name: 'buffered', ink: 'warn', fill: true, write: count},
    ],
  },
  {
    title: 'Errors a second',
    lines: [
      {key: 'errors', name: 'errors', ink: 'bad', fill: true, write: rate},
      {key: 'uncertain', name: 'uncertain', ink: 'warn', write: rate},
    ],
  },
  {
    title: 'Time of a request',
    log: true,
    lines: [
      {key: 'p50_us', name: 'p50', ink: 'accent-faint', write: micros},
      {key: 'p99_us', name: 'p99', ink: 'accent', write: micros},
      {key: 'p999_us', name: 'p99.9', ink: 'faint', thin: true, write: micros},
      {key: 'round_p99_us', name: 'gateway p99', ink: 'faint', thin: true, dash: [4, 3], write: micros},
    ],
  },
  {
    title: 'Share of reads on replicas',
    of: readsReplicas,
    part: true,
    lines: [{key: 'share_on_replicas', name: 'on replicas', ink: 'accent', fill: true, write: percent}],
  },
  {
    title: 'Wait of writes for replicas',
    of: asksReplicas,
    log: true,
    lines: [
      {key: 'ack_wait_p50_us', name: 'p50', ink: 'accent-faint', write: micros},
      {key: 'ack_wait_p99_us', name: 'p99', ink: 'accent', write: micros},
    ],
  },
];

// shown are the charts that have something to show now.
const shown = () => charts.filter((chart) => !chart.figure.hidden);

const zoomLeast = 3; // seconds
const spanLeast = 60; // seconds, of a gateway that has just begun

// translucent returns a colour as the browser resolved it, with an alpha.
const translucent = (ink, alpha) => colour(ink).replace('rgb(', 'rgba(').replace(')', `, ${alpha})`);

// Charts draws the samples of a Series.
export class Charts {
  constructor(series, failovers) {
    this.series = series;
    this.failovers = failovers;
    this.service = '';
    this.span = 900;
    this.zoom = null;
    this.services = [];
    this.drawSoon = nextFrame(() => this.redraw());
    const sizes = new ResizeObserver(nextFrame(() => this.fit()));
    for (const chart of charts) {
      chart.frame = el('div', {
        class: 'plot',
        tabindex: 0,
        role: 'img',
        'aria-label': chart.title,
        onkeydown: (event) => this.key(event),
      });
      chart.readout = el('p', {class: 'readout'});
      chart.values = chart.lines.map((line) => {
        const value = el('b', {}, '–');
        const ink = line.dash ? `${line.ink} dashed` : line.ink;
        chart.readout.append(
          el('span', {class: 'entry'}, el('i', {class: `swatch ${ink}`}), `${line.name} `, value),
        );
        return value;
      });
      chart.figure = el(
        'figure',
        {hidden: chart.of !== undefined},
        el('figcaption', {}, el('h3', {}, chart.title), chart.readout),
        chart.frame,
      );
      byId('charts').append(chart.figure);
      sizes.observe(chart.frame);
    }
    for (const button of document.querySelectorAll('[data-span]')) {
      button.addEventListener('click', () => {
        this.span = Number(button.dataset.span);
        this.setZoom(null);
      });
    }
    byId('unzoom').addEventListener('click', () => this.setZoom(null));
    byId('service').addEventListener('change', (event) => {
      this.service = event.target.value;
      this.choose();
      this.drawSoon();
    });
    addEventListener('theme', () => this.rebuild());
    this.markRange();
  }

  // offer lets the reader choose one of the services, if there are several.
  offer(services) {
    this.services = services;
    const names = services.map((s) => s.name);
    const select = byId('service');
    byId('pick').hidden = names.length < 2;
    if (!names.includes(this.service)) this.service = '';
    this.choose();
    if ([...select.options].map((o) => o.value).join('\n') === ['', ...names].join('\n')) return;
    select.replaceChildren(
      el('option', {value: ''}, 'all services'),
      ...names.map((n) => el('option', {value: n}, n)),
    );
    select.value = this.service;
  }

  // choose shows the charts that concern the service, or any of all.
  choose() {
    const services = this.services.filter((s) => this.service === '' || s.name === this.service);
    for (const chart of charts) {
      const hidden = chart.of !== undefined && !services.some((s) => chart.of(s));
      if (chart.figure.hidden === hidden) continue;
      chart.figure.hidden = hidden;
      this.drawSoon();
    }
    byId('charts').dataset.shown = shown().length;
  }

  // window returns the range of time that is shown, in seconds.
  window() {
    if (this.zoom) return this.zoom;
    const last = this.series.times.at(-1) ?? Date.now() / 1000;
    const first = this.series.first() ?? last;
    return [Math.max(last - this.span, Math.min(first, last - spanLeast)), last];
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.markRange();
    this.drawSoon();
  }

  markRange() {
    for (const button of document.querySelectorAll('[data-span]')) {
      button.setAttribute('aria-pressed', String(!this.zoom && Number(button.dataset.span) === this.span));
    }
    byId('unzoom').hidden = !this.zoom;
  }

  rebuild() {
    for (const chart of charts) {
      chart.plot?.destroy();
      chart.plot = null;
    }
    this.drawSoon();
  }

  // redraw shows the samples as they are now.
  redraw() {
    if (!this.begun || document.hidden) return;
    for (const chart of shown()) {
      chart.plot ??= this.plot(chart);
      const data = this.series.values(
        this.service,
        chart.lines.map((line) => line.key),
      );
      chart.plot.setData(chart.log ? data.map((v, k) => (k === 0 ? v : v.map((n) => n || null))) : data);
      this.read(chart);
    }
  }

  // begin draws for the first time: there are samples now.
  begin() {
    this.begun = true;
    this.drawSoon();
  }

  fit() {
    for (const {plot, frame} of charts) {
      const {clientWidth: width, clientHeight: height} = frame;
      if (plot && width > 0 && (plot.width !== width || plot.height !== height)) plot.setSize({width, height});
    }
  }

  // read shows the values at the cursor, or else those of the last second.
  read(chart) {
    const {plot, lines, title, frame} = chart;
    const at = plot.cursor.idx ?? plot.data[0].length - 1;
    const time = plot.data[0][at];
    const texts = lines.map((line, k) => line.write(plot.data[k + 1][at]));
    texts.forEach((text, k) => setText(chart.values[k], text));
    const values = texts.map((text, k) => `${lines[k].name} ${text}`);
    frame.setAttribute('aria-label', time ? `${title}, at ${clock(time * 1000)}: ${values.join(', ')}` : title);
    frame.dataset.at = plot.cursor.idx === null || plot.cursor.idx === undefined ? '' : clock(time * 1000);
  }

  // key moves the cursor: a second with an arrow key, ten with shift.
  key(event) {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key] * (event.shiftKey ? 10 : 1);
    if (event.key === 'Escape') this.setZoom(null);
    const {plot} = charts[0];
    if (!step || !plot) return;
    event.preventDefault();
    const times = plot.data[0];
    const at = Math.max(0, Math.min(times.length - 1, (plot.cursor.idx ?? times.length - 1) + step));
    plot.setCursor({left: plot.valToPos(times[at], 'x'), top: 10}, true, true); // in all charts
  }

  plot(chart) {
    const k = scale();
    const font = `${Math.round(11 * k)}px ${getComputedStyle(document.body).fontFamily}`;
    const axis = {
      stroke: colour('faint'),
      font,
      grid: {stroke: colour('line'), width: 1},
      ticks: {show: false},
    };
    const marks = chart.log ? powers : chart.part ? quarters : whole;
    const options = {
      width: Math.max(100, chart.frame.clientWidth),
      height: chart.frame.clientHeight,
      legend: {show: false},
      ms: 1e-3,
      cursor: {
        y: false,
        sync: {key: 'page'},
        drag: {x: true, y: false, setScale: false},
        points: {show: false},
        bind: {dblclick: () => () => this.setZoom(null)},
      },
      scales: {
        x: {time: true, range: () => this.window()},
        y: chart.log ? {distr: 3, range: decades} : {range: chart.part ? () => [0, 1.02] : fromZero},
      },
      series: [
        {},
        ...chart.lines.map((line) => ({
          label: line.name,
          stroke: colour(line.ink),
          points: {show: false, filter: alone, size: 4 * k, fill: colour(line.ink)},
          width: line.thin ? 1 : 1.5,
          dash: line.dash,
          spanGaps: false,
          fill: line.fill ? translucent(line.ink, 0.13) : undefined,
        })),
      ],
      axes: [
        {
          ...axis,
          values: (u, ticks, i, space, every) =>
            ticks.map((t) => clock(t * 1000).slice(0, every < 60 ? 8 : 5)),
          space: 64 * k,
          size: 22 * k,
          gap: 4,
        },
        {
          ...axis,
          size: 52 * k,
          gap: 4,
          space: 28 * k,
          values: (u, ticks) => ticks.map((v) => (v === null ? '' : round(chart.lines[0].write(v)))),
          filter: marks,
          grid: {...axis.grid, filter: marks},
          splits: chart.part ? () => [0, 0.25, 0.5, 0.75, 1] : undefined,
        },
      ],
      hooks: {
        drawClear: [(u) => this.mark(u)],
        setCursor: [(u) => chart.plot === u && this.read(chart)],
        setSelect: [(u) => this.select(u)],
      },
    };
    const frame = chart.frame;
    frame.replaceChildren();
    return new window.uPlot(
      options,
      this.series.values(
        this.service,
        chart.lines.map((line) => line.key),
      ),
      frame,
    );
  }

  select(u) {
    const {left, width} = u.select;
    if (width < 4) return;
    const from = u.posToVal(left, 'x');
    const to = Math.max(u.posToVal(left + width, 'x'), from + zoomLeast);
    u.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
    this.setZoom([from, to]);
  }

  // mark draws the failovers: a band while requests waited, and a point below its beginning.
  mark(u) {
    const {ctx, bbox} = u;
    const k = devicePixelRatio;
    ctx.save();
    for (const f of this.failovers()) {
      if (this.service && f.service !== this.service) continue;
      const at = (ms) => u.valToPos((Date.parse(f.began) + ms) / 1000, 'x', true);
      const left = Math.max(at(f.held_ms ?? 0), bbox.left);
      const end = f.resumed_ms === null ? u.valToPos(this.window()[1], 'x', true) : at(f.resumed_ms);
      const right = Math.min(Math.max(end, left + 2 * k), bbox.left + bbox.width);
      if (right <= bbox.left || left >= bbox.left + bbox.width) continue;
      const foot = bbox.top + bbox.height;
      ctx.fillStyle = translucent('warn', 0.22);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = colour('warn');
      ctx.beginPath();
      ctx.moveTo(left, foot);
      ctx.lineTo(left - 4 * k, foot + 6 * k);
      ctx.lineTo(left + 4 * k, foot + 6 * k);
      ctx.fill();
    }
    ctx.restore();
  }
}

// alone finds the seconds with a value between two without one: a point each, since no line leads there.
function alone(u, series) {
  const [from, to] = u.series[0].idxs;
  const values = u.data[series];
  const there = (i) => values[i] !== null && values[i] !== undefined;
  const found = [];
  for (let i = from; i <= to; i++) if (there(i) && !there(i - 1) && !there(i + 1)) found.push(i);
  return found;
}

// fromZero is a range that begins at 0 and ends above all values.
function fromZero(u, least, most) {
  return [0, Math.max(1, (most ?? 0) * 1.1)];
}

// whole leaves only the whole numbers of the marks of an axis: nothing is counted in parts.
function whole(u, ticks) {
  return ticks.map((v) => (Number.isInteger(v) ? v : null));
}

// quarters leaves all marks of an axis: those of a part of 1.
function quarters(u, ticks) {
  return ticks;
}

// powers leaves only the powers of ten of the marks of a logarithmic axis.
function powers(u, ticks) {
  return ticks.map((v) => (Number.isInteger(Math.log10(v)) ? v : null));
}

// decades is a range of whole powers of ten.
function decades(u, least, most) {
  if (!least || !most) return [10, 10000];
  const from = 10 ** Math.floor(Math.log10(least));
  return [from, Math.max(from * 100, 10 ** Math.ceil(Math.log10(most)))];
}
