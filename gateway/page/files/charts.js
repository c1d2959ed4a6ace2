// The charts of the last hour, drawn by uPlot. They share their range, their cursor, and the marks of failovers.

import {byId, colour, draw, el, nextFrame, scale, setText} from './dom.js';
import {clock, count, micros, rate, round} from './format.js';

// A line has the key of its samples, its name, its colour in the style sheet, and how its values are written. The line
// of the gateway is that of a round of its event loops.
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
];

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
    this.plots = [];
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
      byId('charts').append(
        el('figure', {}, el('figcaption', {}, el('h3', {}, chart.title), chart.readout), chart.frame),
      );
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
      this.drawSoon();
    });
    addEventListener('theme', () => this.rebuild());
    this.markRange();
  }

  // offer lets the reader choose one of the services, if there are several.
  offer(names) {
    const select = byId('service');
    byId('pick').hidden = names.length < 2;
    if ([...select.options].map((o) => o.value).join('\n') === ['', ...names].join('\n')) return;
    select.replaceChildren(
      el('option', {value: ''}, 'all services'),
      ...names.map((n) => el('option', {value: n}, n)),
    );
    if (!names.includes(this.service)) this.service = '';
    select.value = this.service;
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
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    this.drawSoon();
  }

  // redraw shows the samples as they are now.
  redraw() {
    if (!this.begun || document.hidden) return;
    if (this.plots.length === 0) this.plots = charts.map((chart) => this.plot(chart));
    this.plots.forEach((plot, i) => {
      const data = this.series.values(
        this.service,
        charts[i].lines.map((line) => line.key),
      );
      plot.setData(charts[i].log ? data.map((v, k) => (k === 0 ? v : v.map((n) => n || null))) : data);
      this.read(i);
    });
  }

  // begin draws for the first time: there are samples now.
  begin() {
    this.begun = true;
    this.drawSoon();
  }

  fit() {
    this.plots.forEach((plot, i) => {
      const {clientWidth: width, clientHeight: height} = charts[i].frame;
      if (width > 0 && (plot.width !== width || plot.height !== height)) plot.setSize({width, height});
    });
  }

  // read shows the values at the cursor, or else those of the last second.
  read(i) {
    const plot = this.plots[i];
    const at = plot.cursor.idx ?? plot.data[0].length - 1;
    const time = plot.data[0][at];
    charts[i].values.forEach((node, k) => setText(node, charts[i].lines[k].write(plot.data[k + 1][at])));
    const texts = charts[i].lines.map((line, k) => `${line.name} ${line.write(plot.data[k + 1][at])}`);
    const label = time
      ? `${charts[i].title}, at ${clock(time * 1000)}: ${texts.join(', ')}`
      : charts[i].title;
    charts[i].frame.setAttribute('aria-label', label);
    charts[i].frame.dataset.at =
      plot.cursor.idx === null || plot.cursor.idx === undefined ? '' : clock(time * 1000);
  }

  // key moves the cursor: a second with an arrow key, ten with shift.
  key(event) {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key] * (event.shiftKey ? 10 : 1);
    if (event.key === 'Escape') this.setZoom(null);
    const plot = this.plots[0];
    if (!step || !plot) return;
    event.preventDefault();
    const times = plot.data[0];
    const at = Math.max(0, Math.min(times.length - 1, (plot.cursor.idx ?? times.length - 1) + step));
    plot.setCursor({left: plot.valToPos(times[at], 'x'), top: 10});
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
        y: chart.log ? {distr: 3, range: decades} : {range: fromZero},
      },
      series: [
        {},
        ...chart.lines.map((line) => ({
          label: line.name,
          stroke: colour(line.ink),
          points: {show: false},
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
          filter: chart.log ? powers : whole,
          grid: {...axis.grid, filter: chart.log ? powers : whole},
        },
      ],
      hooks: {
        drawClear: [(u) => this.mark(u)],
        setCursor: [(u) => this.plots.includes(u) && this.read(this.plots.indexOf(u))],
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

// fromZero is a range that begins at 0 and ends above all values.
function fromZero(u, least, most) {
  return [0, Math.max(1, (most ?? 0) * 1.1)];
}

// whole leaves only the whole numbers of the marks of an axis: nothing is counted in parts.
function whole(u, ticks) {
  return ticks.map((v) => (Number.isInteger(v) ? v : null));
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

// spark draws a small bar of parts, each with a class and a length.
export function spark(parts, total, width, label) {
  const svg = draw('svg', {
    class: 'spark',
    viewBox: `0 0 ${width} 8`,
    role: 'img',
    'aria-label': label,
    preserveAspectRatio: 'none',
  });
  let x = 0;
  for (const [name, length] of parts) {
    const w = total > 0 ? (width * length) / total : 0;
    svg.append(
      draw('rect', {class: name, x: x.toFixed(2), y: 0, width: Math.max(0, w).toFixed(2), height: 8}),
    );
    x += w;
  }
  return svg;
}
